"""Sightings of serials: copies show, nobody does, and a day later nothing is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from farms import GTIN, Farms, close_farms, open_farms
from fastapi.testclient import TestClient
from webs import client_of, services_of

from api.app import create_app
from api.sightings import DAY_S, MIDDLES, SERIAL_ROWS_MAX, SPEED_KM_H, STEP_S, Sightings, distance_km, too_far
from contracts.licences.territories import TERRITORIES
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_795_420_800
FORM = {"gtin": GTIN, "lot": "L1", "serial": "S-17", "county": "TW-TTT"}
HTML = {"accept": "text/html"}


@pytest.fixture
def sightings(tmp_path: Path) -> Sightings:
    """No sightings yet."""
    return Sightings(tmp_path / "sightings.db", b"secret")


def test_every_county_has_its_middle() -> None:
    """A county that cannot be chosen is one whose copies are never seen."""
    assert set(MIDDLES) == {code for code in TERRITORIES if code.startswith("TW-")}
    assert 190 < distance_km("TW-TPE", "TW-HUA") * 1.3 < 230
    assert 290 < distance_km("TW-TPE", "TW-KHH") * 1.2 < 310


def test_too_far_for_the_time(sightings: Sightings) -> None:
    """Taipei to Taitung within minutes is two things; after a train ride it is one that was carried."""
    sightings.note(GTIN, "S-1", "TW-TPE", NOW)
    assert not sightings.elsewhere(GTIN, "S-1", NOW)
    sightings.note(GTIN, "S-1", "TW-TTT", NOW + 900)
    assert sightings.elsewhere(GTIN, "S-1", NOW + 900)
    assert not sightings.elsewhere(GTIN, "S-2", NOW + 900)
    sightings.note(GTIN, "S-2", "TW-TPE", NOW)
    sightings.note(GTIN, "S-2", "TW-TTT", NOW + 6 * 3_600)
    assert not sightings.elsewhere(GTIN, "S-2", NOW + 6 * 3_600)


def test_no_alarm_for_who_travels() -> None:
    """A warning on goods that are on their way would teach people to pass over it."""
    for one in MIDDLES:
        assert not too_far(one, one, 0)
        for other in MIDDLES:
            assert too_far(one, other, 0) == too_far(other, one, 0)
            hours = distance_km(one, other) / SPEED_KM_H
            assert not too_far(one, other, int(hours * 3_600))
    for neighbours in (("TW-TPE", "TW-NWT"), ("TW-HSQ", "TW-HSZ"), ("TW-CYI", "TW-CYQ"), ("TW-TNN", "TW-KHH")):
        assert not too_far(*neighbours, 0)


def test_gone_after_a_day(tmp_path: Path, sightings: Sightings) -> None:
    """What is kept longer than was said is a trail of where people were."""
    sightings.note(GTIN, "S-1", "TW-TPE", NOW)
    sightings.note(GTIN, "S-1", "TW-TTT", NOW + 60)
    kept = (tmp_path / "sightings.db").read_bytes()
    assert b"TW-TTT" in kept
    sightings.forget(NOW + DAY_S - 60)
    assert sightings.elsewhere(GTIN, "S-1", NOW + DAY_S - 60)
    sightings.forget(NOW + 60 + DAY_S)
    assert not sightings.elsewhere(GTIN, "S-1", NOW + 60)
    left = (tmp_path / "sightings.db").read_bytes()
    assert b"TW-TTT" not in left
    assert b"TW-TPE" not in left


def test_nothing_names_anybody(tmp_path: Path, sightings: Sightings) -> None:
    """Whoever takes the file learns neither which goods were scanned, nor when exactly, nor by whom."""
    sightings.note(GTIN, "SECRET-17", "TW-TTT", NOW + 123)
    data = (tmp_path / "sightings.db").read_bytes()
    for word in (b"SECRET", GTIN.encode(), (NOW + 123).to_bytes(4, "big")):
        assert word not in data
    assert ((NOW + 123) // STEP_S * STEP_S).to_bytes(4, "big") in data
    assert (tmp_path / "sightings.db").stat().st_mode & 0o777 == 0o600
    assert not Sightings(tmp_path / "sightings.db", b"another").elsewhere(GTIN, "SECRET-17", NOW)


def test_a_flood_is_cut(tmp_path: Path, sightings: Sightings) -> None:
    """One who posts without end fills no disk; the newest stay."""
    for number in range(SERIAL_ROWS_MAX + 40):
        sightings.note(GTIN, "S-1", "TW-TPE", NOW + number * STEP_S)
    assert (tmp_path / "sightings.db").stat().st_size < 20_000
    for county, serial in (("TW-XXX", "S-1"), ("", "S-1"), ("TW-TPE", ""), ("TW-TPE", "x" * 21)):
        with pytest.raises(FormatError):
            sightings.note(GTIN, serial, county, NOW)


# On the page


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world with one season on lot L1."""
    farms = open_farms(tmp_path)
    farms.season()
    yield farms
    close_farms(farms)


def test_said_on_the_page(farms: Farms) -> None:
    """Who scans a copy reads that it was seen elsewhere; the ledger hears nothing of it."""
    services = services_of(farms)
    client = TestClient(create_app(services), raise_server_exceptions=False, follow_redirects=False)
    size = farms.log.store.head()
    answer = client.post("/sightings", data=FORM)
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    where = answer.headers["location"]
    assert where == f"/products/{GTIN}/L1?serial=S-17&noted=1#piece"
    first = client.get(where, headers=HTML).text
    assert "只保留一天" in first
    assert "在別處也有人掃描" not in first
    services.sightings.note(GTIN, "S-17", "TW-LIE", int(time.time()))
    said = {"zh-TW": "在別處也有人掃描", "en": "Seen elsewhere", "ja": "別の場所でも読み取られています"}
    for tag, words in said.items():
        shown = client.get(f"/products/{GTIN}/L1", params={"serial": "S-17", "lang": tag}, headers=HTML).text
        assert words in shown
        assert "TW-LIE" not in shown.partition("<form")[0]
    assert "在別處" not in client.get(f"/products/{GTIN}/L1", headers=HTML).text
    assert farms.log.store.head() == size


@pytest.mark.parametrize(
    "changed",
    [{"gtin": "1"}, {"lot": "L9"}, {"serial": "é"}, {"county": "TW"}, {"county": ""}, {"more": "x"},
     {"county": ["TW-TTT", "TW-TPE"]}],
)  # fmt: skip
def test_forms_that_are_none(farms: Farms, changed: dict[str, str]) -> None:
    """A form that is not ours is answered with what is wrong, and nothing is kept."""
    answer = client_of(farms).post("/sightings", data={**FORM, **changed})
    assert answer.status_code in {400, 404}
    assert answer.json()["expected"]
