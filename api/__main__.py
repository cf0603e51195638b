"""`python -m api`: the API as a process of its own."""

from __future__ import annotations

import sys

import uvicorn

from api.app import create_app
from data_agent.core.errors import ConfigurationError
from data_agent.core.logging import configure_logging, get_logger
from data_agent.core.settings import load_settings


def main() -> int:
    """Serve until told to stop; requests under way may finish."""
    try:
        settings = load_settings()
        configure_logging(settings.log_level, process="api")
        app = create_app(settings)
    except ConfigurationError as error:
        configure_logging(process="api")
        get_logger(__name__).error("not_started", reason=str(error))
        return 2
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http="httptools",
        log_config=None,  # structlog writes uvicorn's lines as well
        access_log=False,  # the instrumentation writes one line per request, with its duration
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
