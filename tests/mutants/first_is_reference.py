"""An observation is compared with the first version instead of the latest: A, B, A looks like two versions."""

from data_agent.storage.postgres import writer

_LATEST = "ORDER BY open_time, observed_at DESC"
assert _LATEST in writer._REVISE
writer._REVISE = writer._REVISE.replace(_LATEST, "ORDER BY open_time, observed_at")
