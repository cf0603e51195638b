with minutes as (

    select * from {{ ref("int_candles__latest") }}

),

slices as (

    select
        slices.*,
        series.duration,
        series.grid_origin
    from {{ ref("stg_ops__frozen_slices") }} as slices
    inner join {{ ref("stg_ref__series") }} as series using (series_id)
    where slices.series_id <> slices.source_series_id

),

placed as (

    select
        slices.series_id as built_series_id,
        slices.duration,
        date_bin(slices.duration, minutes.open_time, slices.grid_origin) as built_open_time,
        minutes.*
    from slices
    inner join minutes
        on
            slices.source_series_id = minutes.series_id
            and slices.slice_day = minutes.slice_day

),

-- Exact: minima, maxima and sums of numerics keep their digits. A candle with a minute missing is not built at all.
final as (

    select
        slice_day,
        slice_version,
        built_series_id as series_id,
        built_open_time as open_time,
        (array_agg(open order by open_time asc))[1] as open,
        max(high) as high,
        min(low) as low,
        (array_agg(close order by open_time desc))[1] as close,
        sum(volume) as volume,
        case when count(quote_volume) = count(*) then sum(quote_volume) end as quote_volume,
        case when count(trade_count) = count(*) then sum(trade_count)::bigint end as trade_count,
        max(observed_at) as observed_at,
        max(ingest_id) as ingest_id
    from placed
    group by slice_day, slice_version, built_series_id, built_open_time, duration
    having count(*) = extract(epoch from duration) / 60

)

select * from final
