-- What the marts held earlier is not kept, but the verdicts are: what was judged and is not withheld was published.
SELECT latest.open_time, latest.ingest_id FROM latest
