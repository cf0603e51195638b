-- One row per exchange, product and timeframe: of the series whose newest settled candle is the oldest, its age; and
-- the smallest share that any of its series knows of the last 24 hours of closed candles. Bounded by what is
-- collected, not by symbols.
WITH lengths (timeframe, duration) AS (
    VALUES
    ('1m', interval '1 minute'), ('5m', interval '5 minutes'), ('15m', interval '15 minutes'),
    ('1h', interval '1 hour'), ('4h', interval '4 hours'), ('1d', interval '24 hours')
),

closed AS (
    SELECT
        series.venue,
        series.product,
        series.timeframe,
        series.series_id,
        date_bin(lengths.duration, now(), '1970-01-01T00:00:00Z') AS end_time
    FROM ref.current_series AS series
    INNER JOIN lengths USING (timeframe)
    WHERE series.dataset = 'candles' AND series.origin = 'venue' AND series.is_active
),

known AS (
    SELECT
        closed.*,
        (
            SELECT max(upper(coverage.span)) FROM ops.coverage
            WHERE coverage.series_id = closed.series_id AND coverage.status = 'complete'
        ) AS newest_close_time,
        (
            SELECT
                sum(
                    least(upper(coverage.span), closed.end_time)
                    - greatest(lower(coverage.span), closed.end_time - interval '24 hours')
                )
            FROM ops.coverage
            WHERE
                coverage.series_id = closed.series_id AND coverage.status IN ('complete', 'empty_market')
                AND coverage.span && tstzrange(closed.end_time - interval '24 hours', closed.end_time)
        ) AS covered
    FROM closed
)

SELECT
    venue,
    product,
    timeframe,
    count(*) AS count_series,
    extract(EPOCH FROM now() - min(newest_close_time))::float8 AS age_seconds,
    min(coalesce(extract(EPOCH FROM covered), 0) / 86400)::float8 AS covered_ratio
FROM known
GROUP BY venue, product, timeframe
ORDER BY venue, product, timeframe
