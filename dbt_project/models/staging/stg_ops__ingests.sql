with source as (

    select * from {{ source("ops", "ingests") }}

),

renamed as (

    select
        ingest_id,
        source,
        upper(span) as settled_until
    from source

)

select * from renamed
