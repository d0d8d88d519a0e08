"""What all tests share: published vectors, counts, seeds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, settings
from servers import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SOAK = os.environ.get("FENGTU_SOAK") == "1"

# A coloured traceback with all local values takes seconds over a large body.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
settings.register_profile("test", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("soak" if SOAK else "test")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of vectors that others published; it stands beside the checkout."""
    if not SHARED.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the published vectors are missing: expected {SHARED}")
        pytest.skip(f"the published vectors are not here: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL on a free port of 127.0.0.1, ended by its own process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


def soak(what: str, reduced: int, full: int) -> int:
    """Return how many of `what` to run: `reduced` in `make test`, `full` in `make soak`, which prints it."""
    count = full if SOAK else reduced
    if SOAK:
        print(f"soak: {count} {what}")  # noqa: T201 - the soak run reports its counts
    return count
