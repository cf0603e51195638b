{{
    config(
        materialized="incremental",
        incremental_strategy="replace_slices",
        on_schema_change="fail",
        full_refresh=false,
        indexes=[{"columns": ["series_id", "open_time"], "unique": true}],
        post_hook=["{{ mark_published() }}", "{{ clear_dirty() }}"],
    )
}}

with slices as (

    select * from {{ ref("int_slices__publishable") }}

),

candidates as (

    select candidates.*
    from {{ ref("int_candles__candidates") }} as candidates
    inner join slices using (series_id, slice_day, slice_version)

),

verdicts as (

    select
        row_verdicts.series_id,
        row_verdicts.open_time,
        bool_or(row_verdicts.severity = 'block') as is_blocked,
        array_agg(row_verdicts.rule order by row_verdicts.rule)
        filter (where row_verdicts.severity = 'warn')
            as warnings
    from slices
    inner join {{ source("ops", "row_verdicts") }} as row_verdicts
        on
            slices.series_id = row_verdicts.series_id
            and slices.slice_version = row_verdicts.version
            and slices.starts_at <= row_verdicts.open_time
            and slices.ends_at > row_verdicts.open_time
    group by row_verdicts.series_id, row_verdicts.open_time

),

final as (

    select
        candidates.series_id,
        candidates.instrument_id,
        candidates.exchange,
        candidates.product,
        candidates.symbol,
        candidates.timeframe,
        candidates.origin,
        candidates.open_time,
        candidates.close_time,
        candidates.open,
        candidates.high,
        candidates.low,
        candidates.close,
        candidates.volume,
        candidates.quote_volume,
        candidates.trade_count,
        candidates.source,
        candidates.observed_at,
        candidates.ingest_id,
        {{ row_quality("coalesce(cardinality(verdicts.warnings), 0)") }} as quality,
        coalesce(verdicts.warnings, '{}'::text[]) as warnings,
        candidates.slice_day,
        candidates.slice_version
    from candidates
    left join verdicts using (series_id, open_time)
    where not coalesce(verdicts.is_blocked, false)

)

select * from final
