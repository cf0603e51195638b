-- One row per stretch of candles without a hole between them.
SELECT min(open_time) AS first_open_time, max(open_time) AS last_open_time
FROM (
    SELECT open_time, open_time - row_number() OVER (ORDER BY open_time) * %(duration)s::interval AS stretch
    FROM {candles}
    WHERE
        series_id = %(series_id)s
        AND open_time >= %(start)s AND open_time < %(end)s
        AND ingest_id <= %(horizon)s
        AND open_time <> ALL(%(withheld)s::timestamptz[])
) AS numbered
GROUP BY stretch
ORDER BY first_open_time
