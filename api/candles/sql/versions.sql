-- One row per version of one candle, in the order of commits, with the latest verdict that judged it: that of the last
-- slice version that knew it and not yet the version after it.
WITH versions AS (
    SELECT
        open, high, low, close, volume, quote_volume, trade_count, observed_at, ingest_id, FALSE AS is_superseded
    FROM raw.candles
    WHERE series_id = %(series_id)s AND open_time = %(open_time)s
    UNION ALL
    SELECT
        open, high, low, close, volume, quote_volume, trade_count, observed_at, ingest_id, is_superseded
    FROM raw.candles_revisions
    WHERE series_id = %(series_id)s AND open_time = %(open_time)s
),

succeeded AS (
    SELECT
        versions.*,
        CASE
            WHEN NOT is_superseded
                THEN lead(ingest_id) OVER (PARTITION BY is_superseded ORDER BY ingest_id, observed_at)
        END AS next_ingest_id,
        NOT is_superseded
        AND row_number() OVER (PARTITION BY is_superseded ORDER BY ingest_id DESC, observed_at DESC) = 1 AS is_latest
    FROM versions
)

SELECT
    succeeded.*,
    ingests.committed_at,
    ingests.source,
    ingests.run_id,
    verdict.version AS slice_version,
    verdict.decided_at,
    verdict.published_at,
    verdict.run_id AS verdict_run_id,
    broken.rules
FROM succeeded
INNER JOIN ops.ingests USING (ingest_id)
LEFT JOIN LATERAL (
    SELECT slices.version, slices.decided_at, slices.published_at, slices.run_id
    FROM ops.slice_verdicts AS slices
    WHERE
        slices.series_id = %(series_id)s AND slices.day = (%(open_time)s AT TIME ZONE 'UTC')::date
        AND NOT succeeded.is_superseded
        AND slices.version >= succeeded.ingest_id
        AND (succeeded.next_ingest_id IS NULL OR slices.version < succeeded.next_ingest_id)
    ORDER BY slices.version DESC
    LIMIT 1
) AS verdict ON TRUE
LEFT JOIN LATERAL (
    SELECT
        json_agg(
            json_build_object('rule', verdicts.rule, 'severity', verdicts.severity, 'detail', verdicts.detail)
            ORDER BY verdicts.severity, verdicts.rule
        ) AS rules
    FROM ops.row_verdicts AS verdicts
    WHERE
        verdicts.series_id = %(series_id)s AND verdicts.open_time = %(open_time)s
        AND verdicts.version = verdict.version
) AS broken ON TRUE
ORDER BY succeeded.ingest_id, succeeded.observed_at
