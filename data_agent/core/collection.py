"""What is collected: one YAML file, checked whole before anything starts.

history: 7d                        # how far back, unless an entry says otherwise
timeframes: [1m, 5m, 15m, 1h, 4h, 1d]
venues:
  binance:
    spot:
      instruments: [BTC/USDT, ETH/USDT]
      history: 30d                 # optional, likewise `timeframes`
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from data_agent.core.errors import ConfigurationError
from data_agent.core.time import Timeframe

_LENGTH: Final = re.compile(r"(\d+)\s*([dhmwy])", re.IGNORECASE)
_UNITS: Final = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "m": timedelta(days=30),
    "y": timedelta(days=365),
}
_SYMBOL: Final = r"^[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?$"


def _length(value: object) -> object:
    if isinstance(value, str) and (match := _LENGTH.fullmatch(value.strip())):
        return int(match[1]) * _UNITS[match[2].lower()]
    if isinstance(value, timedelta):
        return value
    raise ValueError("must be a length such as 12h, 7d, 4w, 6m (of 30 days) or 2y")


Length = Annotated[timedelta, BeforeValidator(_length), Field(gt=timedelta())]
Symbol = Annotated[str, Field(pattern=_SYMBOL)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductEntry(_Strict):
    """One product of one venue."""

    instruments: tuple[Symbol, ...] = Field(min_length=1)
    timeframes: tuple[Timeframe, ...] | None = Field(None, min_length=1)
    history: Length | None = None


class Target(NamedTuple):
    """One product of one venue with everything resolved."""

    venue: str
    product: str
    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    history: timedelta


class Collection(_Strict):
    """The file, whole."""

    history: Length
    timeframes: tuple[Timeframe, ...] = Field(min_length=1)
    venues: dict[str, dict[str, ProductEntry]] = Field(min_length=1)

    def targets(self) -> tuple[Target, ...]:
        """What to collect, one entry per venue and product, in the file's order."""
        return tuple(
            Target(
                venue, product, entry.instruments, entry.timeframes or self.timeframes, entry.history or self.history
            )
            for venue, products in self.venues.items()
            for product, entry in products.items()
        )


def read_collection(path: Path) -> Collection:
    """Read and check the collection file.

    Whether a venue, product or timeframe is *known to the product* is checked by `venues.registry.check_collection`.

    Raises:
        ConfigurationError: the file is absent, is not YAML, or an entry is wrong; each is named by its path.
    """
    try:
        return Collection.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise ConfigurationError(f"collection file {path}: {error.strerror}; set COLLECTION_FILE") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"collection file {path} is not YAML: {error}") from None
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(str(part) for part in e['loc']) or 'file'}: {e['msg']} (found {e['input']!r})"
            for e in error.errors()
        )
        raise ConfigurationError(f"collection file {path}:\n{problems}") from None


@lru_cache(maxsize=4)
def load_collection(path: Path) -> Collection:
    """`read_collection`, once per process and file."""
    return read_collection(path)
