"""The metrics are the operator's: how many records come tells of private ones, which no seal does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from farms import Farms, close_farms, open_farms
from fastapi.testclient import TestClient
from webs import services_of

from api.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world."""
    farms = open_farms(tmp_path)
    yield farms
    close_farms(farms)


@pytest.mark.parametrize(
    ("host", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("203.0.113.9", {}, "", 403),
        ("testclient", {}, "", 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, "", 403),
        ("203.0.113.9", BEARER, "", 403),
        ("203.0.113.9", BEARER, TOKEN, 200),
        ("203.0.113.9", {"Authorization": f"Bearer {TOKEN.upper()}"}, TOKEN, 403),
        ("127.0.0.1", {}, TOKEN, 403),
    ],
)
def test_metrics_are_the_operators(farms: Farms, host: str, headers: dict[str, str], token: str, status: int) -> None:
    """Counted from outside, answered submissions beside the size of the log would tell when somebody pays."""
    app = create_app(replace(services_of(farms), metrics_token=token))
    assert TestClient(app, client=(host, 1)).get("/metrics", headers=headers).status_code == status
