"""The REST door: one trustworthy answer per question, with its coverage, quality and status."""
