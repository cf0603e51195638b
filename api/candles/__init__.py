"""Candles: what is final, what is provisional, what is kept back, and how each came to be."""
