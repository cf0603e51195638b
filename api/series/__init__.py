"""Which series a request means."""
