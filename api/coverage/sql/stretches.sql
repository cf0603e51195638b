-- One row per stretch of candles without a hole between them, within the wanted spans of several series.
WITH wanted AS (
    SELECT wanted.series_id, wanted.start_time, wanted.end_time, lengths.duration
    FROM unnest(%(series_ids)s::int[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        AS wanted (series_id, start_time, end_time)
    INNER JOIN ref.series USING (series_id)
    INNER JOIN (
        VALUES
        ('1m', interval '1 minute'), ('5m', interval '5 minutes'), ('15m', interval '15 minutes'),
        ('1h', interval '1 hour'), ('4h', interval '4 hours'), ('1d', interval '24 hours')
    ) AS lengths (timeframe, duration) USING (timeframe)
),

numbered AS (
    SELECT
        wanted.series_id,
        candles.open_time,
        wanted.duration,
        candles.open_time
        - row_number() OVER (PARTITION BY wanted.series_id ORDER BY candles.open_time) * wanted.duration AS stretch
    FROM wanted
    INNER JOIN {candles} AS candles
        ON
            candles.series_id = wanted.series_id
            AND candles.open_time >= wanted.start_time AND candles.open_time < wanted.end_time
)

SELECT
    series_id,
    min(open_time) AS first_open_time,
    max(open_time) + max(duration) AS last_close_time
FROM numbered
GROUP BY series_id, stretch
ORDER BY series_id, first_open_time
