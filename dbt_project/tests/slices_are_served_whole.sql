-- Every slice shows exactly the rows that passed in its last published verdict: none is missing, none is left over.
with published as (

    select distinct on (series_id, day)
        series_id,
        day,
        version,
        count_rows - count_failed as count_passed
    from {{ source("ops", "slice_verdicts") }}
    where published_at is not null
    order by series_id asc, day asc, version desc

),

served as (

    select
        series_id,
        slice_day,
        min(slice_version) as oldest_version,
        max(slice_version) as newest_version,
        count(*) as count_served
    from {{ ref("candles") }}
    group by series_id, slice_day

)

select
    published.series_id,
    published.day,
    published.version,
    published.count_passed,
    served.count_served
from published
full outer join served
    on
        published.series_id = served.series_id
        and published.day = served.slice_day
where
    coalesce(published.count_passed, -1) <> coalesce(served.count_served, 0)
    or published.version <> served.oldest_version
    or published.version <> served.newest_version
