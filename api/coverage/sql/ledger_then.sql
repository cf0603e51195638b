-- One row per ledger entry that stood after the ingest `horizon`: those that stand now and are not younger, and those
-- that a younger ingest replaced.
SELECT lower(span) AS start, upper(span) AS end, status, cause
FROM ops.coverage
WHERE
    int4range(series_id, series_id, '[]') && int4range(%(series_id)s::int, %(series_id)s::int, '[]')
    AND span && tstzrange(%(start)s, %(end)s) AND ingest_id <= %(horizon)s
UNION ALL
SELECT lower(span) AS start, upper(span) AS end, status, cause
FROM ops.coverage_history
WHERE
    series_id = %(series_id)s AND replaced_by_ingest_id > %(horizon)s
    AND span && tstzrange(%(start)s, %(end)s) AND ingest_id <= %(horizon)s
ORDER BY start
