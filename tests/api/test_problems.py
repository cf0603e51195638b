from api import problems
from api.problems import near_matches


def test_every_kind_is_named_once() -> None:
    slugs = [kind.slug for kind in problems.kinds()]
    assert len(slugs) == len(set(slugs))
    assert all(kind.__doc__ for kind in problems.kinds())


def test_separators_and_case_do_not_count_for_near_matches() -> None:
    known = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert near_matches("btcusdt", known)[0] == "BTC/USDT"
    assert near_matches("BTC-USD", known)[0] == "BTC/USDT"
    assert near_matches("…", known) == []
