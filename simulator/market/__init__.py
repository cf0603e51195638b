"""Markets: trades, and the candles made of them. Nothing here knows of HTTP."""
