"""``GET /api/v5/public/instruments`` (Public Data, "Get instruments")."""

from decimal import Decimal
from typing import Any

from simulator.digits import plain
from simulator.market.model import Instrument

INSTRUMENT_TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
LARGEST_SIZE = "9999999999"

# Every field of the answer that does not apply to spot.
WITHOUT_VALUE = (
    "alias", "auctionEndTime", "contTdSwTime", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "instFamily",
    "optType", "preMktSwTime", "settleCcy", "stk", "uly", "lever",
)  # fmt: skip


def market_id(instrument: Instrument) -> str:
    """``BTC-USDT``."""
    return f"{instrument.base}-{instrument.quote}"


def spot_instrument(instrument: Instrument, number: int, listed_at_ms: int) -> dict[str, Any]:
    """One entry of the answer's data."""
    lot = plain(Decimal(1).scaleb(-instrument.lot_scale))
    return {
        **dict.fromkeys(WITHOUT_VALUE, ""),
        "baseCcy": instrument.base,
        "category": "1",
        "futureSettlement": False,
        "groupId": "1",
        "instId": market_id(instrument),
        "instIdCode": 1000 + number,
        "instType": "SPOT",
        "listTime": str(listed_at_ms),
        "lotSz": lot,
        "maxIcebergSz": LARGEST_SIZE,
        "maxLmtAmt": "20000000",
        "maxLmtSz": LARGEST_SIZE,
        "maxMktAmt": "1000000",
        "maxMktSz": "1000000",
        "maxStopSz": "1000000",
        "maxTriggerSz": LARGEST_SIZE,
        "maxTwapSz": LARGEST_SIZE,
        "minSz": plain(Decimal(lot) * 10),
        "openType": "fix_price",
        "quoteCcy": instrument.quote,
        "ruleType": "normal",
        "state": "live",
        "tickSz": plain(Decimal(1).scaleb(-instrument.price_scale)),
        "tradeQuoteCcyList": [instrument.quote],
    }
