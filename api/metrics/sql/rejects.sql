-- One row per exchange and reason: distinct things sent that could not be understood.
SELECT series.venue, rejects.reason, count(*) AS count_rejects
FROM raw.rejects
INNER JOIN ref.current_series AS series USING (series_id)
GROUP BY series.venue, rejects.reason
ORDER BY series.venue, rejects.reason
