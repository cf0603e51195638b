{{ config(materialized="view") }}

with candles as (

    select * from {{ ref("candles") }}

),

-- Straight from the source: a staging view that is replaced takes the views upon it along, and this one is served.
twins as (

    select
        venue.series_id,
        built.series_id as built_series_id
    from {{ source("ref", "series") }} as venue
    inner join {{ source("ref", "series") }} as built using (instrument_id, dataset, timeframe, price_type)
    where
        venue.origin = 'venue'
        and built.origin = 'built'

),

-- A view: nothing to keep in step, and one series and span is two index scans.
final as (

    select
        venue.series_id,
        venue.instrument_id,
        venue.exchange,
        venue.product,
        venue.symbol,
        venue.timeframe,
        venue.open_time,
        {% for field in ["open", "high", "low", "close", "volume"] -%}
            venue.{{ field }} as venue_{{ field }},
            built.{{ field }} as built_{{ field }},
        {% endfor -%}
        greatest(venue.slice_version, built.slice_version) as slice_version
    from candles as venue
    inner join twins on venue.series_id = twins.series_id
    inner join candles as built
        on
            twins.built_series_id = built.series_id
            and venue.open_time = built.open_time
    where
        row(venue.open, venue.high, venue.low, venue.close, venue.volume)
        <> row(built.open, built.high, built.low, built.close, built.volume)

)

select * from final
