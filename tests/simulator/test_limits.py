import pytest

from simulator.limits import LimitSettings, MinuteWeight, SlidingWindows

ME, OTHER = "127.0.0.1", "127.0.0.2"


class Seconds:
    now = 120.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def weight(seconds: Seconds, **settings: object) -> MinuteWeight:
    return MinuteWeight(10, {"heavy": 5}, LimitSettings(ban_after=2, seconds=seconds, **settings))  # type: ignore[arg-type]


def test_weight_is_counted_per_address_and_reset_each_minute(seconds: Seconds) -> None:
    limiter = weight(seconds)
    used = [limiter.check(ME, "heavy", "").headers["x-mbx-used-weight-1m"] for _ in range(2)]
    assert used == ["5", "10"]
    assert limiter.check(ME, "light", "").status == 429
    assert limiter.check(OTHER, "light", "").status == 200
    seconds.now = 180.0
    assert limiter.check(ME, "light", "").headers["x-mbx-used-weight"] == "1"


def test_retry_after_reaches_the_next_minute(seconds: Seconds) -> None:
    limiter = weight(seconds)
    seconds.now = 150.0
    verdicts = [limiter.check(ME, "heavy", "") for _ in range(3)]
    assert verdicts[-1].status == 429
    assert 30 <= (verdicts[-1].retry_after_seconds or 0) <= 31


def test_who_goes_on_is_banned_each_time_longer(seconds: Seconds) -> None:
    limiter = weight(seconds)
    bans = []
    for _ in range(14):
        statuses = [limiter.check(ME, "heavy", "").status for _ in range(5)]
        assert statuses == [200, 200, 429, 429, 418]
        verdict = limiter.check(ME, "heavy", "")
        assert verdict.status == 418
        bans.append(verdict.retry_after_seconds or 0)
        seconds.now += bans[-1] + 60
    assert [round(ban, -1) for ban in bans[:3]] == [120, 240, 480]
    assert max(bans) <= 3 * 86_400 + 1
    assert bans[-1] >= 3 * 86_400


def test_disabled_limits_count_and_pass(seconds: Seconds) -> None:
    limiter = weight(seconds, enabled=False)
    assert {limiter.check(ME, "heavy", "").status for _ in range(100)} == {200}
    assert limiter.check(ME, "heavy", "").headers["x-mbx-used-weight"] == "505"


def test_limits_can_be_scaled(seconds: Seconds) -> None:
    limiter = weight(seconds, scale=0.5)
    assert [limiter.check(ME, "heavy", "").status for _ in range(2)] == [200, 429]


def test_sliding_windows_let_so_many_pass(seconds: Seconds) -> None:
    limiter = SlidingWindows({"candles": (3, 2.0)}, LimitSettings(seconds=seconds))
    statuses = []
    for _ in range(5):
        statuses.append(limiter.check(ME, "candles", "").status)
        seconds.now += 0.1
    assert statuses == [200, 200, 200, 429, 429]
    seconds.now = 122.05
    assert limiter.check(ME, "candles", "").status == 200
    assert limiter.check(ME, "candles", "").status == 429


def test_windows_are_apart_by_endpoint_key_and_address(seconds: Seconds) -> None:
    limiter = SlidingWindows({"instruments": (1, 2.0), "time": (1, 2.0)}, LimitSettings(seconds=seconds))
    asked = [(ME, "instruments", "SPOT"), (ME, "instruments", "SWAP"), (ME, "time", ""), (OTHER, "time", "")]
    assert [limiter.check(*each).status for each in asked] == [200] * 4
    assert limiter.check(ME, "instruments", "SPOT").status == 429
