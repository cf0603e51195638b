"""JSON numbers become floats on their way in, as CCXT's own parser makes them."""

import json

from data_agent.connections import bridge

bridge._Bridge.on_json_response = staticmethod(json.loads)
