-- One row per candle whose latest version the slice's latest published verdict knew and found impossible.
SELECT
    verdicts.series_id,
    verdicts.open_time,
    string_agg(DISTINCT verdicts.rule, ', ' ORDER BY verdicts.rule) AS rules
FROM ops.row_verdicts AS verdicts
WHERE
    verdicts.series_id = ANY(%(series_ids)s) AND verdicts.severity = 'block'
    AND verdicts.open_time >= %(start)s AND verdicts.open_time < %(end)s
    AND verdicts.version = (
        SELECT slices.version FROM ops.slice_verdicts AS slices
        WHERE
            slices.series_id = verdicts.series_id
            AND slices.day = (verdicts.open_time AT TIME ZONE 'UTC')::date
            AND slices.published_at <= %(as_of)s
        ORDER BY slices.version DESC
        LIMIT 1
    )
    AND verdicts.version >= (
        SELECT max(known.ingest_id) FROM (
            SELECT first_seen.ingest_id FROM raw.candles AS first_seen
            WHERE
                first_seen.series_id = verdicts.series_id AND first_seen.open_time = verdicts.open_time
                AND first_seen.ingest_id <= %(horizon)s
            UNION ALL
            SELECT revisions.ingest_id FROM raw.candles_revisions AS revisions
            WHERE
                revisions.series_id = verdicts.series_id AND revisions.open_time = verdicts.open_time
                AND NOT revisions.is_superseded AND revisions.ingest_id <= %(horizon)s
        ) AS known
    )
GROUP BY verdicts.series_id, verdicts.open_time
ORDER BY verdicts.series_id, verdicts.open_time
