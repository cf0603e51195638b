-- A row that broke a blocking rule in the version that is shown.
select
    candles.series_id,
    candles.open_time,
    verdicts.rule
from {{ ref("candles") }} as candles
inner join {{ source("ops", "row_verdicts") }} as verdicts
    on
        candles.series_id = verdicts.series_id
        and candles.open_time = verdicts.open_time
        and candles.slice_version = verdicts.version
where verdicts.severity = 'block'
