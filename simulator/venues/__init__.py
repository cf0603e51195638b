"""The venues the simulator can play, one folder each."""

from simulator.venues.base import Venue
from simulator.venues.binance.rest import BinanceSpot
from simulator.venues.okx.rest import OkxSpot

VENUES: dict[str, type[Venue]] = {venue.name: venue for venue in (BinanceSpot, OkxSpot)}
