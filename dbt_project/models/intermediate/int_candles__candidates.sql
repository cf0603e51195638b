{{ config(indexes=[{"columns": ["series_id", "open_time"]}]) }}

with candles as (

    select
        latest.slice_day,
        latest.slice_version,
        latest.series_id,
        latest.open_time,
        latest.open,
        latest.high,
        latest.low,
        latest.close,
        latest.volume,
        latest.quote_volume,
        latest.trade_count,
        latest.observed_at,
        latest.ingest_id,
        ingests.source
    from {{ ref("int_candles__latest") }} as latest
    left join {{ ref("stg_ops__ingests") }} as ingests using (ingest_id)
    union all
    select
        slice_day,
        slice_version,
        series_id,
        open_time,
        open,
        high,
        low,
        close,
        volume,
        quote_volume,
        trade_count,
        observed_at,
        ingest_id,
        'built' as source
    from {{ ref("int_candles__built") }}

),

described as (

    select
        candles.*,
        series.instrument_id,
        series.exchange,
        series.product,
        series.symbol,
        series.timeframe,
        series.origin,
        series.twin_series_id,
        candles.open_time + series.duration as close_time,
        extract(
            epoch from candles.open_time - date_bin(series.duration, candles.open_time, series.grid_origin)
        )::double precision as seconds_off_grid,
        extract(
            epoch from candles.open_time + series.duration - candles.observed_at
        )::double precision as seconds_observed_early,
        -- numeric can hold what is no number, and it would pass every comparison
        (
            select count(*) from
                unnest(array[candles.open, candles.high, candles.low, candles.close, candles.volume])
                    as numbers (number)
            where numbers.number in ('NaN', 'Infinity', '-Infinity')
        )::integer as count_not_finite,
        count(*) over (partition by candles.series_id, candles.open_time) as count_of_key,
        {{ var("typical_return_per_minute") }} * sqrt(extract(epoch from series.duration) / 60) as least_typical_return
    from candles
    inner join {{ ref("stg_ref__series") }} as series using (series_id)

),

neighbours as (

    select
        described.*,
        lag(described.close, 1, context.previous_close) over series as previous_close,
        case row_number() over series
            when 1 then context.close_before_previous
            when 2 then context.previous_close
            else lag(described.close, 2) over series
        end as close_before_previous,
        described.close > 0 and described.close < 'Infinity' as is_price
    from described
    left join {{ ref("int_candles__context") }} as context using (series_id, slice_day)
    window series as (partition by described.series_id, described.slice_day order by described.open_time)

),

-- The distance to the nearer of the two closes before it: a lone spike jumps, the sound candle after it does not.
moved as (

    select
        *,
        least(
            case
                when
                    is_price and previous_close > 0 and previous_close < 'Infinity'
                    then abs(close / previous_close - 1)
            end,
            case
                when
                    is_price and close_before_previous > 0 and close_before_previous < 'Infinity'
                    then abs(close / close_before_previous - 1)
            end
        ) as absolute_return
    from neighbours

),

-- A median is not moved by the outliers it is to find; a standard deviation would be.
typical as (

    select
        series_id,
        slice_day,
        case
            when count(absolute_return) >= {{ var("least_returns_for_a_median") }}
                then percentile_cont(0.5) within group (order by absolute_return)
        end as typical_return
    from moved
    group by series_id, slice_day

),

-- Null where the other origin has no candle: nothing to compare is no difference. A window, not a join: each candle
-- and its twin are a partition of two, and a planner without statistics cannot turn that into a nested loop.
compared as (

    select
        *,
        case
            when count(*) over twins = 2
                then
                    (min(open) over twins <> max(open) over twins)::integer
                    + (min(high) over twins <> max(high) over twins)::integer
                    + (min(low) over twins <> max(low) over twins)::integer
                    + (min(close) over twins <> max(close) over twins)::integer
                    + (min(volume) over twins <> max(volume) over twins)::integer
        end as count_twin_differences
    from moved
    window twins as (partition by least(series_id, twin_series_id), open_time)

),

final as (

    select
        compared.series_id,
        compared.instrument_id,
        compared.exchange,
        compared.product,
        compared.symbol,
        compared.timeframe,
        compared.origin,
        compared.open_time,
        compared.close_time,
        compared.open,
        compared.high,
        compared.low,
        compared.close,
        compared.volume,
        compared.quote_volume,
        compared.trade_count,
        compared.source,
        compared.observed_at,
        compared.ingest_id,
        compared.slice_day,
        compared.slice_version,
        compared.seconds_off_grid,
        compared.seconds_observed_early,
        compared.count_of_key,
        compared.count_not_finite,
        compared.absolute_return / greatest(typical.typical_return, compared.least_typical_return) as jump_multiple,
        compared.count_twin_differences
    from compared
    inner join typical using (series_id, slice_day)

)

select * from final
