-- One row per instrument as it is described now, with the timeframes that are collected of it; a page of them.
SELECT
    instruments.instrument_id,
    instruments.venue AS exchange,
    instruments.product,
    versions.symbol,
    instruments.market_id,
    versions.base,
    versions.quote,
    versions.price_increment,
    versions.amount_increment,
    versions.is_active,
    versions.listed_at,
    instruments.first_seen_at,
    ARRAY(
        SELECT series.timeframe FROM ref.series
        WHERE
            series.instrument_id = instruments.instrument_id
            AND series.dataset = 'candles' AND series.origin = 'venue'
        ORDER BY series.series_id
    ) AS timeframes
FROM ref.instruments
INNER JOIN ref.instrument_versions AS versions USING (instrument_id)
WHERE
    versions.valid_to IS NULL
    AND (%(exchange)s::text IS NULL OR instruments.venue = %(exchange)s)
    AND (%(product)s::text IS NULL OR instruments.product = %(product)s)
    AND (%(symbol)s::text IS NULL OR versions.symbol = %(symbol)s)
    AND (%(active)s::boolean IS NULL OR versions.is_active = %(active)s)
    AND (
        %(after_exchange)s::text IS NULL
        OR (instruments.venue, instruments.product, versions.symbol, instruments.instrument_id)
        > (%(after_exchange)s, %(after_product)s, %(after_symbol)s, %(after_instrument_id)s)
    )
ORDER BY instruments.venue, instruments.product, versions.symbol, instruments.instrument_id
LIMIT %(limit)s
