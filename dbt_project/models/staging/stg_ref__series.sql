with source as (

    select * from {{ source("ref", "current_series") }}

),

renamed as (

    select
        series_id,
        instrument_id,
        venue as exchange,
        product,
        symbol,
        timeframe,
        price_type,
        origin,
        listed_at,
        -- in seconds, so that a day is 24 hours in every session's time zone
        make_interval(secs => extract(epoch from timeframe::interval)::double precision) as duration,
        to_timestamp(
            3600 * coalesce(('{{ var("grid_offset_hours") | tojson }}'::jsonb ->> venue)::double precision, 0)
        ) as grid_origin
    from source
    where dataset = 'candles'

),

final as (

    select
        renamed.*,
        twins.series_id as twin_series_id
    from renamed
    left join renamed as twins
        on
            renamed.instrument_id = twins.instrument_id
            and renamed.timeframe = twins.timeframe
            and renamed.price_type = twins.price_type
            and renamed.origin <> twins.origin

)

select * from final
