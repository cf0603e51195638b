"""The warehouse as a fixture; conftest.py of each room that needs it imports it from here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from data_agent.storage.postgres.embedded import EmbeddedPostgres
from tests.expectations.warehouse import Warehouse


@pytest.fixture(scope="module")
def warehouse(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Warehouse]:
    """One database a module: dbt parses its project once for it, and each test brings an instrument of its own."""
    name = f"warehouse_{request.module.__name__.rpartition('.')[2]}_{os.getpid()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template").format(sql.Identifier(name)))
        # No server asks for it, being told to trust; nothing may repeat it all the same.
        url = postgres.url(name).replace("postgres@", "postgres:hunter2@")
        made = Warehouse(url, tmp_path_factory.mktemp(name))
        yield made
        made.connection.close()
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
