SELECT marts.candles.open_time, marts.candles.ingest_id
FROM reach
INNER JOIN marts.candles ON marts.candles.open_time BETWEEN reach.first_open_time AND reach.last_open_time
WHERE marts.candles.series_id = %(series_id)s
