"""OKX spot."""
