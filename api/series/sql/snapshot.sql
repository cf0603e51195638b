-- What this snapshot shows: PostgreSQL's clock, when the store last changed for its readers (by rows, or by a
-- publication of them), and whether dbt has run.
SELECT
    transaction_timestamp() AS clock,
    greatest(
        (SELECT max(ingests.committed_at) FROM ops.ingests),
        (SELECT max(verdicts.published_at) FROM ops.slice_verdicts AS verdicts)
    ) AS newest_change,
    to_regclass('marts.candles') IS NOT NULL AS has_marts
