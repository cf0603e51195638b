with source as (

    select * from {{ source("ops", "frozen_slices") }}

),

renamed as (

    select
        series_id,
        source_series_id,
        day as slice_day,
        version as slice_version,
        {{ midnight("day") }} as starts_at,
        {{ midnight("day + 1") }} as ends_at
    from source

)

select * from renamed
