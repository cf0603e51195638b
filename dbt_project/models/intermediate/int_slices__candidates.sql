with slices as (

    select
        slices.*,
        series.instrument_id,
        series.exchange,
        series.product,
        series.symbol,
        series.timeframe,
        series.origin,
        series.duration,
        series.grid_origin,
        greatest(slices.starts_at, series.listed_at) as begins_at
    from {{ ref("stg_ops__frozen_slices") }} as slices
    inner join {{ ref("stg_ref__series") }} as series using (series_id)

),

present as (

    select
        series_id,
        slice_day,
        count(*)::integer as count_present,
        max(close_time) as last_close_time
    from {{ ref("int_candles__candidates") }}
    group by series_id, slice_day

),

-- Closed is what the slice's last ingest settled, and whatever closed candle stands in it.
closed as (

    select
        slices.*,
        coalesce(present.count_present, 0) as count_present,
        least(slices.ends_at, greatest(ingests.settled_until, present.last_close_time)) as closed_until
    from slices
    left join present using (series_id, slice_day)
    left join {{ ref("stg_ops__ingests") }} as ingests on slices.slice_version = ingests.ingest_id

),

quiet as (

    select
        closed.*,
        coalesce(ledger.spans, '{}'::tstzmultirange) as quiet_spans
    from closed
    cross join lateral (
        select range_agg(spans.span) as spans
        from {{ ref("stg_ops__quiet_spans") }} as spans
        where
            spans.series_range && int4range(closed.source_series_id, closed.source_series_id, '[]')
            and spans.span && tstzrange(closed.starts_at, closed.ends_at)
    ) as ledger

),

-- The calendar: crypto never closes, so every interval of the grid from the listing on, less those nobody traded in.
expected as (

    select
        quiet.series_id,
        quiet.slice_day,
        count(*)::integer as count_expected
    from quiet
    cross join
        generate_series(
            date_bin(quiet.duration, quiet.begins_at - interval '1 microsecond', quiet.grid_origin) + quiet.duration,
            quiet.closed_until - quiet.duration,
            quiet.duration
        ) as intervals (open_time)
    where not quiet.quiet_spans && tstzrange(intervals.open_time, intervals.open_time + quiet.duration)
    group by quiet.series_id, quiet.slice_day

),

final as (

    select
        closed.series_id,
        closed.slice_day,
        closed.slice_version,
        closed.instrument_id,
        closed.exchange,
        closed.product,
        closed.symbol,
        closed.timeframe,
        closed.origin,
        closed.closed_until,
        coalesce(expected.count_expected, 0) as count_expected,
        closed.count_present
    from closed
    left join expected using (series_id, slice_day)

)

select * from final
