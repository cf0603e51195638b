"""Settings: read from the environment in one place, resolved once, passed on as a value."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from data_agent.core.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be scheme://host[:port][/prefix], e.g. https://api.binance.com")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]


class Settings(BaseSettings):
    """Everything the environment may say. Field names in capitals are the variables' names."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", frozen=True)

    simulated: bool = Field(False, description="the data come from the simulator; labelled on every page and answer")
    data_dir: Path | None = Field(None, description="where servers, logs and reports live; default .data or .data-real")
    collection_file: Path = Field(PROJECT_ROOT / "config" / "collection.yaml", description="what is collected")

    api_host: str = Field("127.0.0.1", description="the address the API listens on")
    api_port: int = Field(8000, ge=1, le=65535)
    dagster_port: int = Field(3000, ge=1, le=65535)

    database_url: str | None = Field(None, description="an external PostgreSQL instead of the embedded one")
    redis_url: str | None = Field(None, description="an external Redis or Valkey instead of the embedded one")

    venue_binance_rest_url: BaseUrl | None = Field(None, description="scheme, host, port, optional path prefix")
    venue_okx_rest_url: BaseUrl | None = Field(None, description="likewise")
    venue_limit_ceiling: float = Field(0.8, gt=0, le=1, description="share of a venue's published limits we use")
    venue_timeout_seconds: float = Field(10.0, gt=0, description="longest wait for one answer of a venue")

    log_level: str = "INFO"

    @property
    def data_directory(self) -> Path:
        """The directory of this deployment; simulated and real data never share one."""
        return (self.data_dir or PROJECT_ROOT / (".data" if self.simulated else ".data-real")).resolve()

    def rest_url(self, venue: str) -> str | None:
        """The base URL that replaces a venue's own scheme and host, or None."""
        value: str | None = getattr(self, f"venue_{venue}_rest_url", None)
        return value


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: a variable holds something impossible; it is named.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc']).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"environment: {problems}") from None
