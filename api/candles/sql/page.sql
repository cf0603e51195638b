-- One row: a page of candles as JSON text, ready to be sent (PostgreSQL builds it in a third of Python's time), with
-- what the caller must know of it. The latest version of a candle is the one first seen unless a revision that is not
-- superseded came after. It is final if it is published and the slice's latest verdict knew it.
WITH page AS MATERIALIZED (
    SELECT open_time, open, high, low, close, volume, ingest_id
    FROM raw.candles
    WHERE
        series_id = %(series_id)s
        AND open_time >= %(start)s AND open_time < %(end)s
        AND ingest_id <= %(horizon)s
        AND open_time <> ALL(%(withheld)s::timestamptz[])
    ORDER BY open_time
    LIMIT %(limit)s
),

reach AS (
    SELECT min(open_time) AS first_open_time, max(open_time) AS last_open_time FROM page
),

revised AS (
    SELECT DISTINCT ON (revisions.open_time) revisions.*
    FROM raw.candles_revisions AS revisions
    WHERE
        revisions.series_id = %(series_id)s
        AND revisions.open_time >= (SELECT reach.first_open_time FROM reach)
        AND revisions.open_time <= (SELECT reach.last_open_time FROM reach)
        AND NOT revisions.is_superseded AND revisions.ingest_id <= %(horizon)s
    ORDER BY revisions.open_time, revisions.observed_at DESC
),

latest AS (
    SELECT
        page.open_time,
        coalesce(revised.open, page.open) AS open,
        coalesce(revised.high, page.high) AS high,
        coalesce(revised.low, page.low) AS low,
        coalesce(revised.close, page.close) AS close,
        coalesce(revised.volume, page.volume) AS volume,
        coalesce(revised.ingest_id, page.ingest_id) AS ingest_id
    FROM page LEFT JOIN revised USING (open_time)
),

verdicts AS (
    SELECT days.day, verdict.version
    FROM reach
    CROSS JOIN LATERAL generate_series(
        date_trunc('day', reach.first_open_time, 'UTC'), reach.last_open_time, interval '1 day'
    ) AS days (day)
    CROSS JOIN LATERAL (
        SELECT slices.version FROM ops.slice_verdicts AS slices
        WHERE
            slices.series_id = %(series_id)s AND slices.day = (days.day AT TIME ZONE 'UTC')::date
            AND slices.published_at <= %(as_of)s
        ORDER BY slices.version DESC
        LIMIT 1
    ) AS verdict
),

warned AS (
    SELECT row_verdicts.open_time, row_verdicts.version, count(*) AS count_warnings
    FROM ops.row_verdicts
    WHERE
        row_verdicts.series_id = %(series_id)s AND row_verdicts.severity = 'warn'
        AND row_verdicts.open_time >= (SELECT reach.first_open_time FROM reach)
        AND row_verdicts.open_time <= (SELECT reach.last_open_time FROM reach)
    GROUP BY row_verdicts.open_time, row_verdicts.version
),

published AS (
    {published}
),

judged AS (
    SELECT
        latest.*,
        published.open_time IS NOT NULL AND coalesce(verdicts.version >= latest.ingest_id, FALSE) AS is_final,
        coalesce(warned.count_warnings, 0) AS count_warnings
    FROM latest
    LEFT JOIN published ON published.open_time = latest.open_time AND published.ingest_id = latest.ingest_id
    LEFT JOIN verdicts ON verdicts.day = date_trunc('day', latest.open_time, 'UTC')
    LEFT JOIN warned ON warned.open_time = latest.open_time AND warned.version = verdicts.version
),

candles AS (
    SELECT
        judged.*,
        ingests.source,
        judged.open_time + %(duration)s AS close_time,
        CASE
            WHEN judged.is_final
                THEN (%(qualities)s::numeric[])[1 + least(judged.count_warnings, cardinality(%(qualities)s) - 1)]
            ELSE %(provisional_quality)s
        END AS quality
    FROM judged LEFT JOIN ops.ingests USING (ingest_id)
)

{rendered}
