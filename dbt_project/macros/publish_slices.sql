{% macro mark_published() %}
    {#-
      In the transaction of the rows: a reader sees the new rows and the verdict that let them in, or neither. The lock
      is that of the commit order (data_agent/storage/postgres/ingests.py), held to the end of the transaction: whoever
      sees a publication sees every ingest that was committed before its published_at.
    -#}
    with turn as materialized (

        select pg_advisory_xact_lock(7302003) as is_ours

    ),

    moment as materialized (

        select
            greatest(
                clock_timestamp(),
                (select max(committed_at) + interval '1 microsecond' from {{ source("ops", "ingests") }})
            ) as published_at
        from turn
        where turn.is_ours is not null

    )

    update {{ source("ops", "slice_verdicts") }} as verdicts
    set published_at = moment.published_at
    from moment, {{ ref("int_slices__publishable") }} as slices
    where
        verdicts.series_id = slices.series_id
        and verdicts.day = slices.slice_day
        and verdicts.version = slices.slice_version
        and verdicts.published_at is null
{% endmacro %}

{% macro clear_dirty() %}
    {#-
      A slice that changed meanwhile has a greater version and stays dirty. One that a writer is changing right now is
      locked by it, and is skipped: it is about to be dirty, and nobody waits for anybody.
    -#}
    delete from {{ source("ops", "dirty_slices") }} as dirty
    using (
        select
            marked.series_id,
            marked.day,
            marked.version
        from {{ source("ops", "dirty_slices") }} as marked
        inner join {{ ref("int_slices__publishable") }} as slices
            on
                marked.series_id = slices.series_id
                and marked.day = slices.slice_day
                and marked.version <= slices.slice_version
        for update of marked skip locked
    ) as done
    where
        dirty.series_id = done.series_id
        and dirty.day = done.day
        and dirty.version = done.version
{% endmacro %}
