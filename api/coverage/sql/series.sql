-- One row per series of candles under its present name, in the order of names; a page of them.
SELECT
    current.series_id,
    coalesce(minutes.series_id, current.series_id) AS source_series_id,
    current.venue AS exchange,
    current.product,
    current.symbol,
    current.timeframe,
    current.origin,
    current.is_active,
    current.listed_at
FROM ref.current_series AS current
LEFT JOIN ref.series AS minutes
    ON
        minutes.instrument_id = current.instrument_id AND minutes.dataset = current.dataset
        AND minutes.price_type = current.price_type AND minutes.origin = 'venue' AND minutes.timeframe = '1m'
        AND current.origin = 'built'
WHERE
    current.dataset = 'candles' AND current.price_type = 'trade'
    AND current.origin = %(origin)s
    AND (%(exchange)s::text IS NULL OR current.venue = %(exchange)s)
    AND (%(product)s::text IS NULL OR current.product = %(product)s)
    AND (%(symbol)s::text IS NULL OR current.symbol = %(symbol)s)
    AND (%(timeframe)s::text IS NULL OR current.timeframe = %(timeframe)s)
    AND (
        %(after_exchange)s::text IS NULL
        OR (current.venue, current.product, current.symbol, current.series_id)
        > (%(after_exchange)s, %(after_product)s, %(after_symbol)s, %(after_series_id)s)
    )
ORDER BY current.venue, current.product, current.symbol, current.series_id
LIMIT %(limit)s
