SELECT candles.open_time, candles.ingest_id
    FROM marts.candles AS candles
    WHERE
        candles.series_id = %(series_id)s
        AND candles.open_time >= (SELECT reach.first_open_time FROM reach)
        AND candles.open_time <= (SELECT reach.last_open_time FROM reach)
