"""Batch: Dagster assets, schedules, sensors and checks."""
