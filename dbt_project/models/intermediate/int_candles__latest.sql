with slices as (

    select * from {{ ref("stg_ops__frozen_slices") }}
    where series_id = source_series_id

),

-- LATERAL, not a filter over a view of the latest versions: each slice is one short index scan, whatever the history.
final as (

    select
        slices.slice_day,
        slices.slice_version,
        slices.series_id,
        latest.open_time,
        latest.open,
        latest.high,
        latest.low,
        latest.close,
        latest.volume,
        latest.quote_volume,
        latest.trade_count,
        latest.observed_at,
        latest.ingest_id
    from slices
    cross join lateral (
        select distinct on (versions.open_time) versions.*
        from {{ ref("stg_raw__candle_versions") }} as versions
        where
            versions.series_id = slices.series_id
            and versions.open_time >= slices.starts_at
            and versions.open_time < slices.ends_at
            and versions.ingest_id <= slices.slice_version
        order by versions.open_time asc, versions.observed_at desc, versions.ingest_id desc
    ) as latest

)

select * from final
