{{ config(materialized="view") }}

with slices as (

    select * from {{ ref("stg_ops__frozen_slices") }}

),

verdicts as (

    select * from {{ source("ops", "slice_verdicts") }}

),

present as (

    select
        series_id,
        slice_day,
        slice_version,
        count(*) as count_rows
    from {{ ref("int_candles__candidates") }}
    group by series_id, slice_day, slice_version

),

-- Only what was judged, and only if the candidates that stand here are those that were judged: after a crash between
-- any two steps this is empty or right, and never empties a published slice by mistake.
final as (

    select
        slices.series_id,
        slices.slice_day,
        slices.slice_version,
        slices.starts_at,
        slices.ends_at
    from slices
    inner join verdicts
        on
            slices.series_id = verdicts.series_id
            and slices.slice_day = verdicts.day
            and slices.slice_version = verdicts.version
    left join present
        on
            slices.series_id = present.series_id
            and slices.slice_day = present.slice_day
            and slices.slice_version = present.slice_version
    where verdicts.count_rows = coalesce(present.count_rows, 0)

)

select * from final
