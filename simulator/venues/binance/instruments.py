"""``GET /api/v3/exchangeInfo``: the shape of the published sample, with every filter of a real spot symbol."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from simulator.market.model import Instrument
from simulator.venues.binance import errors
from simulator.venues.binance.parameters import Parameters, market_id

PERMISSIONS = ("SPOT", "MARGIN")
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
SELF_TRADE_PREVENTION = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
NAMES = ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")


def exchange_info(parameters: Parameters, listed: Iterable[Instrument], now_ms: int, weight_limit: int) -> bytes:
    """The whole answer for the symbols asked."""
    chosen = _chosen(parameters, {market_id(instrument): instrument for instrument in listed})
    answer = {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": _rate_limits(weight_limit),
        "exchangeFilters": [],
        "symbols": [_symbol(instrument) for instrument in chosen],
    }
    return json.dumps(answer, separators=(",", ":")).encode()


def _chosen(parameters: Parameters, listed: dict[str, Instrument]) -> list[Instrument]:
    named = [name for name in ("symbol", "symbols") if name in parameters]
    if len(named) + ("permissions" in parameters) > 1:
        raise errors.bad_combination()
    if named:
        names = [parameters.text("symbol")] if named == ["symbol"] else _names(parameters.text("symbols"))
        if not all(name in listed for name in names):
            raise errors.invalid_symbol()
        return [listed[name] for name in names]
    wanted = _names(parameters.text("permissions")) if "permissions" in parameters else list(PERMISSIONS)
    return list(listed.values()) if set(wanted) & set(PERMISSIONS) else []


def _names(text: str) -> list[str]:
    """One name, or a JSON array of names."""
    if not text.startswith("["):
        return [text]
    try:
        return [str(name) for name in json.loads(text)]
    except ValueError:
        raise errors.illegal("symbols", r"^\[(\"[A-Z0-9-_.]{1,20}\"(,\"[A-Z0-9-_.]{1,20}\"){0,}){0,1}\]$") from None


def _rate_limits(weight_limit: int) -> list[dict[str, Any]]:
    limits = (
        ("REQUEST_WEIGHT", "MINUTE", 1, weight_limit),
        ("ORDERS", "SECOND", 10, 100),
        ("ORDERS", "DAY", 1, 200_000),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
    )
    return [
        {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
        for kind, interval, number, limit in limits
    ]


def _symbol(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": market_id(instrument),
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": _filters(instrument),
        "permissions": [],
        "permissionSets": [PERMISSIONS],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": SELF_TRADE_PREVENTION,
    }


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick = _eight(Decimal(1).scaleb(-instrument.price_scale))
    lot = _eight(Decimal(1).scaleb(-instrument.lot_scale))
    highest, most = _eight(Decimal(1_000_000)), _eight(Decimal(9_000_000))
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": highest, "tickSize": tick},
        _lot_filter("LOT_SIZE", lot, most, lot),
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        _lot_filter("MARKET_LOT_SIZE", _eight(Decimal(0)), _eight(Decimal(100_000)), _eight(Decimal(0))),
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": _eight(Decimal(5)),
            "applyMinToMarket": True,
            "maxNotional": _eight(Decimal(9_000_000)),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
    ]


def _lot_filter(kind: str, least: str, most: str, step: str) -> dict[str, Any]:
    return {"filterType": kind, "minQty": least, "maxQty": most, "stepSize": step}


def _eight(value: Decimal) -> str:
    return f"{value:.8f}"
