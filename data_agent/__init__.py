"""The library that batch, live and serving code share: venues, connections, storage, coverage, core."""
