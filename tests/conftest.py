"""What all tests share: published vectors, counts, seeds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SOAK = os.environ.get("FENGTU_SOAK") == "1"

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


def soak(what: str, reduced: int, full: int) -> int:
    """Return how many of `what` to run: `reduced` in `make test`, `full` in `make soak`, which prints it."""
    count = full if SOAK else reduced
    if SOAK:
        print(f"soak: {count} {what}")  # noqa: T201 - the soak run reports its counts
    return count
