"""The words every room speaks: records, time, settings, errors, logging, metrics."""
