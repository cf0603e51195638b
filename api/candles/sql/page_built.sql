-- Built candles exist in the marts only. One is final while no minute it is made of has a version that came after its
-- own; only on days whose minutes changed since publication is there anything to compare.
WITH page AS MATERIALIZED (
    SELECT open_time, close_time, open, high, low, close, volume, ingest_id, source, quality, slice_day, slice_version
    FROM marts.candles
    WHERE
        series_id = %(series_id)s
        AND open_time >= %(start)s AND open_time < %(end)s
    ORDER BY open_time
    LIMIT %(limit)s
),

compared AS (
    SELECT
        page.*,
        CASE
            WHEN dirty.version IS NULL OR dirty.version <= page.slice_version THEN TRUE
            ELSE NOT EXISTS (
                SELECT 1 FROM raw.candles AS minutes
                WHERE
                    minutes.series_id = %(source_series_id)s AND minutes.ingest_id > page.ingest_id
                    AND minutes.open_time >= page.open_time AND minutes.open_time < page.close_time
            ) AND NOT EXISTS (
                SELECT 1 FROM raw.candles_revisions AS revisions
                WHERE
                    revisions.series_id = %(source_series_id)s AND revisions.ingest_id > page.ingest_id
                    AND revisions.open_time >= page.open_time AND revisions.open_time < page.close_time
                    AND NOT revisions.is_superseded
            )
        END AS is_final
    FROM page
    LEFT JOIN ops.dirty_slices AS dirty
        ON dirty.series_id = %(source_series_id)s AND dirty.day = page.slice_day
),

candles AS (
    SELECT
        open_time, close_time, open, high, low, close, volume, source, is_final,
        CASE WHEN is_final THEN quality ELSE least(quality, %(provisional_quality)s) END AS quality
    FROM compared
)

{rendered}
