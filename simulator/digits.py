"""How venues write numbers. Values are whole numbers of ``10**-scale``; nothing passes through a float.

Writers are made once per scale: a page of 1,000 candles calls them 8,000 times.
"""

from collections.abc import Callable
from decimal import Decimal

Writer = Callable[[int], str]


def padded(scale: int, places: int = 8) -> Writer:
    """Always the same number of decimals, as Binance writes: ``padded(2)(9512345) == "95123.45000000"``."""
    factor = 10 ** (places - scale)

    def write(value: int) -> str:
        digits = str(value * factor).zfill(places + 1)
        return f"{digits[:-places]}.{digits[-places:]}"

    return write


def trimmed(scale: int) -> Writer:
    """No zeros at the end, as OKX writes: ``trimmed(1)(243440) == "24344"``."""
    if scale == 0:
        return str

    def write(value: int) -> str:
        digits = str(value).zfill(scale + 1)
        return f"{digits[:-scale]}.{digits[-scale:]}".rstrip("0").rstrip(".")

    return write


def plain(value: Decimal) -> str:
    """A Decimal with all its digits and never an exponent."""
    return format(value, "f")
