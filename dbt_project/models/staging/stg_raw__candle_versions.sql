with first_seen as (

    select * from {{ source("raw", "candles") }}

),

revisions as (

    select * from {{ source("raw", "candles_revisions") }}
    where not is_superseded

),

final as (

    select
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
        ingest_id
    from first_seen
    union all
    select
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
        ingest_id
    from revisions

)

select * from final
