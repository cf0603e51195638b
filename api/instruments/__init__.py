"""Instruments: what the exchanges list, under the names they have now."""
