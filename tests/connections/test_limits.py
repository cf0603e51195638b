import pytest

from data_agent.connections.limits import Limit, Priority, budget
from data_agent.core.errors import ConfigurationError
from data_agent.venues.registry import VENUES


def test_each_priority_leaves_a_reserve_to_those_before_it() -> None:
    limit = Limit("weight", 60, 6_000)
    allowances = [limit.allowance(priority, 0.8) for priority in Priority]
    assert allowances == [4_800, 4_560, 4_320, 3_600]


def test_no_priority_may_ever_use_more_than_the_venue_allows() -> None:
    assert all(Limit("w", 1, 10).allowance(priority, 1.0) <= 10 for priority in Priority)


def test_a_tiny_limit_still_lets_one_request_through() -> None:
    assert Limit("tiny", 1, 1).allowance(Priority.BACKFILL, 0.1) == 1


def test_a_request_debits_every_limit_that_applies() -> None:
    weight, raw = Limit("weight", 60, 100), Limit("raw", 300, 500)
    costs = budget(weight, raw, costs={"klines": {"weight": 2, "raw": 1}}, default_cost={"weight": 25})
    assert costs.debits("klines") == [(weight, 2), (raw, 1)]
    assert costs.debits("something/else") == [(weight, 25)]


def test_a_cost_in_an_unknown_limit_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="klines debits unknown limits: wieght"):
        budget(Limit("weight", 60, 100), costs={"klines": {"wieght": 2}}, default_cost={"weight": 1})


def test_no_endpoint_costs_more_than_a_backfill_may_use() -> None:
    for venue in VENUES.values():
        for facts in venue.products.values():
            budget_ = facts.connection.budget
            for cost in (*budget_.costs.values(), budget_.default_cost):
                for name, amount in cost.items():
                    assert amount <= budget_.limits[name].allowance(Priority.BACKFILL, 0.8)
