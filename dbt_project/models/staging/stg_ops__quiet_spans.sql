with source as (

    select * from {{ source("ops", "coverage") }}

),

renamed as (

    select
        series_id,
        -- what the ledger's index is made of
        int4range(series_id, series_id, '[]') as series_range,
        span
    from source
    where status = 'empty_market'

)

select * from renamed
