SELECT latest.open_time, latest.ingest_id FROM latest WHERE FALSE
