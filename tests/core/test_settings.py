from collections.abc import Iterator
from pathlib import Path

import pytest

from data_agent.core.errors import ConfigurationError
from data_agent.core.settings import PROJECT_ROOT, load_settings


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("DATA_DIR", "SIMULATED", "API_PORT", "VENUE_BINANCE_REST_URL", "VENUE_OKX_REST_URL"):
        monkeypatch.delenv(name, raising=False)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def test_simulated_and_real_data_never_share_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().data_directory == PROJECT_ROOT / ".data-real"
    load_settings.cache_clear()
    monkeypatch.setenv("SIMULATED", "1")
    assert load_settings().data_directory == PROJECT_ROOT / ".data"


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("API_PORT", "8123")
    monkeypatch.setenv("VENUE_OKX_REST_URL", "http://127.0.0.1:9000/okx/")
    settings = load_settings()
    assert (settings.data_directory, settings.api_port) == (tmp_path, 8123)
    assert settings.rest_url("okx") == "http://127.0.0.1:9000/okx"
    assert settings.rest_url("binance") is None
    assert settings.rest_url("kraken") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "0"),
        ("API_PORT", "eight"),
        ("VENUE_BINANCE_REST_URL", "api.binance.com"),
        ("VENUE_BINANCE_REST_URL", "https://x/?a=1"),
        ("VENUE_LIMIT_CEILING", "1.5"),
    ],
)
def test_an_impossible_value_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()
