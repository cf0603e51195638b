-- One row per series and open time.
select
    series_id,
    open_time,
    count(*) as count_rows
from {{ ref("candles") }}
group by series_id, open_time
having count(*) > 1
