-- One row per thing the venue sent about this candle that could not be understood.
SELECT reason, detail, payload, first_observed_at, last_observed_at, count_seen
FROM raw.rejects
WHERE series_id = %(series_id)s AND open_time = %(open_time)s
ORDER BY first_observed_at, reject_id
