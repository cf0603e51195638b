-- One row: the series of this name at this moment, under the description its instrument had then; and, beside a
-- series built from one-minute candles, the series it is built from. A symbol may have belonged to another instrument
-- earlier: the one that bears it at `as_of` counts, the active one first. Before an instrument was first seen its
-- first description holds.
SELECT
    series.series_id,
    coalesce(minutes.series_id, series.series_id) AS source_series_id,
    instruments.venue AS exchange,
    instruments.product,
    versions.symbol,
    series.timeframe,
    series.origin,
    versions.listed_at
FROM ref.instrument_versions AS versions
INNER JOIN ref.instruments USING (instrument_id)
INNER JOIN ref.series USING (instrument_id)
LEFT JOIN ref.series AS minutes
    ON
        minutes.instrument_id = series.instrument_id AND minutes.dataset = series.dataset
        AND minutes.price_type = series.price_type AND minutes.origin = 'venue' AND minutes.timeframe = '1m'
        AND series.origin = 'built'
WHERE
    instruments.venue = %(exchange)s
    AND versions.symbol = %(symbol)s
    AND series.dataset = 'candles' AND series.price_type = 'trade'
    AND series.timeframe = %(timeframe)s AND series.origin = %(origin)s
    AND versions.valid_from <= greatest(%(as_of)s, instruments.first_seen_at)
    AND (versions.valid_to IS NULL OR versions.valid_to > greatest(%(as_of)s, instruments.first_seen_at))
ORDER BY versions.is_active DESC, versions.valid_from DESC, series.series_id
LIMIT 1
