{% macro get_incremental_replace_slices_sql(arg_dict) %}
    {#-
      Replace whole slices: a slice whose rows all failed loses its old rows as well, which no strategy keyed by the
      new rows would do. The bounds on the leading index columns make the cost that of the slice, not of the history.
    -#}
    {%- set columns = get_quoted_csv(arg_dict["dest_columns"] | map(attribute="name")) -%}
    {%- set slices = ref("int_slices__publishable") -%}
    delete from {{ arg_dict["target_relation"] }} as published
    using {{ slices }} as slices
    where
        published.series_id = slices.series_id
        and published.open_time >= slices.starts_at
        and published.open_time < slices.ends_at;

    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }};
{% endmacro %}
