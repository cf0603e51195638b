"""How venues write numbers. Values are whole numbers of ``10**-scale``; nothing passes through a float."""

from decimal import Decimal


def padded(value: int, scale: int, places: int = 8) -> str:
    """Always the same number of decimals, as Binance writes: ``padded(9512345, 2) == "95123.45000000"``."""
    whole, fraction = divmod(value, 10**scale)
    return f"{whole}.{fraction:0{scale}d}{'0' * (places - scale)}" if scale else f"{whole}.{'0' * places}"


def trimmed(value: int, scale: int) -> str:
    """No zeros at the end, as OKX writes: ``trimmed(243440, 1) == "24344"``."""
    whole, fraction = divmod(value, 10**scale)
    return f"{whole}.{fraction:0{scale}d}".rstrip("0") if fraction else str(whole)


def plain(value: Decimal) -> str:
    """A Decimal with all its digits and never an exponent."""
    return format(value, "f")
