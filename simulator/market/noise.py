"""Seeded noise that can be read at any instant without walking there.

Everything is a hash of (key, position); only additions and multiplications of doubles follow, so the same seed gives
the same market on every machine.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def key(*parts: str | int) -> int:
    """A 64-bit key for a named stream of randomness."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def hashed(stream: int, positions: Integers) -> NDArray[np.uint64]:
    """SplitMix64 of every position within a stream."""
    mixed = positions.astype(np.uint64) * _GOLDEN + np.full(1, stream, dtype=np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(31))


def uniform(stream: int, positions: Integers) -> Doubles:
    """Numbers in [0, 1), one for each position."""
    return (hashed(stream, positions) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def wave(stream: int, times: Integers, period: int) -> Doubles:
    """Smooth noise in [-1, 1] with a new random level each period (value noise with a smooth step between)."""
    cell, rest = np.divmod(times, period)
    first = int(cell.min())
    levels = uniform(stream, np.arange(first, int(cell.max()) + 2, dtype=np.int64)) * 2.0 - 1.0
    fraction = rest / period
    weight = fraction * fraction * (3.0 - 2.0 * fraction)
    left = levels[cell - first]
    smooth: Doubles = left + (levels[cell - first + 1] - left) * weight
    return smooth
