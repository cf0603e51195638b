{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- staging, intermediate and marts are called exactly so, in every deployment. -#}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
