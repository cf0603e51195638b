"""Whether a fault can mean anything to the venues in play."""

from collections.abc import Iterable, Mapping

import msgspec

from simulator.exchange import Exchange
from simulator.faults.kinds import AnyFault, Ban, RowFault, UnknownFault, is_for_good
from simulator.venues.base import Venue


def checked_fault(fault: AnyFault, exchanges: Mapping[str, Exchange]) -> AnyFault:
    """The fault with its symbol and timeframe in the words the venues use here.

    Raises UnknownFault, naming what no venue concerned knows.
    """
    if fault.venue is not None and fault.venue not in exchanges:
        raise _unknown("venue", fault.venue, exchanges)
    venues = [exchange.venue for name, exchange in exchanges.items() if fault.venue in (None, name)]
    if isinstance(fault, Ban) and not any(venue.bans for venue in venues):
        raise UnknownFault(f"http_418: {fault.venue} does not ban")
    if is_for_good(fault) and (fault.count or fault.probability < 1.0 or fault.active_from or fault.active_until):
        raise UnknownFault("what changes history takes no count, probability, active_from or active_until")
    _check_endpoint(fault.endpoint, venues)
    return _in_venue_words(fault, venues)


def _check_endpoint(name: str | None, venues: Iterable[Venue]) -> None:
    known = {word for venue in venues for each in venue.endpoints.values() for word in (each.name, each.group)}
    if name is not None and name not in known:
        raise _unknown("endpoint", name, sorted(known))


def _in_venue_words(fault: AnyFault, venues: list[Venue]) -> AnyFault:
    changes = {}
    if fault.symbol is not None:
        known = {name: symbol for venue in venues for name, symbol in (*venue.symbols.items(), *_same(venue.listed))}
        if fault.symbol not in known:
            raise _unknown("symbol", fault.symbol, sorted(set(known.values())))
        changes["symbol"] = known[fault.symbol]
    if isinstance(fault, RowFault) and fault.timeframe is not None:
        if not any(fault.timeframe in (*venue.frames, *venue.unified_frames) for venue in venues):
            raise _unknown("timeframe", fault.timeframe, sorted({name for venue in venues for name in venue.frames}))
        if len(venues) == 1:
            changes["timeframe"] = venues[0].frame(fault.timeframe).name
    return msgspec.structs.replace(fault, **changes)


def _same(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((name, name) for name in names)


def _unknown(what: str, name: str, known: Iterable[str]) -> UnknownFault:
    return UnknownFault(f"unknown {what} {name!r}; known: {', '.join(known)}")
