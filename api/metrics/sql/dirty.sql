-- One row per exchange: days of series that wait for the gate, and for how long the first of them has waited.
SELECT
    series.venue,
    count(*) AS count_slices,
    extract(EPOCH FROM now() - min(dirty.marked_at))::float8 AS age_seconds
FROM ops.dirty_slices AS dirty
INNER JOIN ref.current_series AS series USING (series_id)
GROUP BY series.venue
ORDER BY series.venue
