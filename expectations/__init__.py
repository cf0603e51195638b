"""The quality gate: Great Expectations suites and checkpoint as code, Data Docs."""
