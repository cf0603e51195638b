"""Asking our own API, so that the command line shows what users get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from data_agent.cli.deployment import Deployment
from data_agent.core.errors import ConfigurationError, EnvironmentFault

_TIMEOUT_SECONDS: Final = 30


def ask(deployment: Deployment, path: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object that a GET of the API answers with.

    Raises:
        EnvironmentFault: the API does not answer, or has a fault.
        ConfigurationError: it refused the question; its words are in the message.
    """
    import httpx

    url = f"{deployment.api_url}{path}"
    try:
        answer = httpx.get(url, params=dict(parameters or {}), timeout=_TIMEOUT_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        raise EnvironmentFault(
            f"the API does not answer at {url} ({type(error).__name__}): see data-agent status"
        ) from None
    if answer.is_client_error:
        raise ConfigurationError(_problem(answer.text, answer.status_code))
    if not answer.is_success:
        raise EnvironmentFault(
            f"the API answers {answer.status_code} at {url}: see {deployment.directory / 'logs' / 'api.log'}"
        )
    body: dict[str, Any] = answer.json()
    return body


def _problem(text: str, status_code: int) -> str:
    """The words of a problem document (RFC 9457)."""
    import json

    try:
        problem = json.loads(text)
    except ValueError:
        return f"the API refuses with {status_code}: {text[:200]}"
    errors = "; ".join(
        f"{error.get('field') or error.get('pointer')}: {error.get('detail')}" for error in problem.get("errors") or []
    )
    return errors or problem.get("detail") or problem.get("title") or f"the API refuses with {status_code}"
