{% macro midnight(day) -%}
    {#- The UTC midnight a date begins with, whatever the session's time zone. -#}
    (({{ day }})::timestamp at time zone 'UTC')
{%- endmacro %}
