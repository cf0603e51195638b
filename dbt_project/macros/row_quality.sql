{% macro row_quality(count_warnings) -%}
    {#- data_agent.coverage.quality.row_quality in SQL; a test holds the two together. -#}
    greatest(0.5, 1 - 0.1 * {{ count_warnings }})
{%- endmacro %}
