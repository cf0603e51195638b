with slices as (

    select
        slices.*,
        series.duration,
        sources.duration as source_duration
    from {{ ref("stg_ops__frozen_slices") }} as slices
    inner join {{ ref("stg_ref__series") }} as series using (series_id)
    inner join {{ ref("stg_ref__series") }} as sources on slices.source_series_id = sources.series_id

),

-- The close of a candle is that of the last source candle in it, so one look-up serves venue and built series alike.
final as (

    select
        slices.series_id,
        slices.slice_day,
        (
            select versions.close
            from {{ ref("stg_raw__candle_versions") }} as versions
            where
                versions.series_id = slices.source_series_id
                and versions.open_time = slices.starts_at - slices.source_duration
            order by versions.observed_at desc
            limit 1
        ) as previous_close,
        (
            select versions.close
            from {{ ref("stg_raw__candle_versions") }} as versions
            where
                versions.series_id = slices.source_series_id
                and versions.open_time = slices.starts_at - slices.duration - slices.source_duration
            order by versions.observed_at desc
            limit 1
        ) as close_before_previous
    from slices

)

select * from final
