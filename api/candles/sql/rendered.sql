-- The time zone of the session is UTC: cutting +00:00 off and adding Z keeps any fraction of a second.
SELECT
    count(*) AS count_rows,
    count(*) FILTER (WHERE open_time = date_bin(%(duration)s, open_time, '1970-01-01T00:00:00Z')) AS count_on_grid,
    min(open_time) AS first_open_time,
    max(open_time) AS last_open_time,
    count(*) FILTER (WHERE quality < %(min_quality)s) AS count_below,
    min(open_time) FILTER (WHERE quality < %(min_quality)s) AS first_below,
    min(quality) AS lowest_quality,
    coalesce(
        string_agg(
            concat(
                '{{"open_time":', left(to_json(open_time)::text, -7), 'Z","close_time":',
                left(to_json(close_time)::text, -7), 'Z","open":"', open, '","high":"', high, '","low":"', low,
                '","close":"', close, '","volume":"', volume, '","is_closed":true,"status":"',
                CASE WHEN is_final THEN 'final' ELSE 'provisional' END,
                '","source":', coalesce('"' || source || '"', 'null'), ',"quality":', trim_scale(quality), '}}'
            ),
            ',' ORDER BY open_time
        ),
        ''
    ) AS candles
FROM candles
