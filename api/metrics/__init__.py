"""Metrics for Prometheus: of the process, and of the data as the store has them at the scrape."""
