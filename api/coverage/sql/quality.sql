-- One row per series: the quality of its slices' latest published verdicts, weighted by the candles they should hold,
-- how many slices wait for the gate, and the open time of the newest candle that is known.
SELECT
    series.series_id,
    (
        SELECT round(sum(latest.quality * latest.count_expected) / nullif(sum(latest.count_expected), 0), 4)
        FROM (
            SELECT DISTINCT ON (slices.day) slices.quality, slices.count_expected
            FROM ops.slice_verdicts AS slices
            WHERE
                slices.series_id = series.series_id AND slices.published_at IS NOT NULL
                AND slices.day >= (%(start)s AT TIME ZONE 'UTC')::date
                AND slices.day <= (%(end)s AT TIME ZONE 'UTC')::date
            ORDER BY slices.day, slices.version DESC
        ) AS latest
    ) AS quality,
    (SELECT count(*) FROM ops.dirty_slices AS dirty WHERE dirty.series_id = series.series_id) AS dirty_slices,
    (
        SELECT candles.open_time FROM raw.candles AS candles
        WHERE candles.series_id = series.series_id
        ORDER BY candles.open_time DESC
        LIMIT 1
    ) AS newest_open_time
FROM unnest(%(series_ids)s::int[]) AS series (series_id)
