-- The last ingest of the series that a reader could see at `as_of`: within a series, ids follow the order of commits.
SELECT ingest_id
FROM ops.ingests
WHERE series_id = %(series_id)s AND committed_at <= %(as_of)s
ORDER BY committed_at DESC
LIMIT 1
