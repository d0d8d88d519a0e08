"""The resolver: what is printed on a package leads somewhere, and says what there is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from farms import GTIN, Farms, close_farms, open_farms
from webs import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HTML = {"accept": "text/html"}


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world with one season on lot L1."""
    farms = open_farms(tmp_path)
    farms.season()
    yield farms
    close_farms(farms)


def test_scan_leads_to_the_page(farms: Farms) -> None:
    """No typing after the scan: 307 to the page, whatever stands beside the lot."""
    client = client_of(farms)
    for path, piece in (
        (f"/01/{GTIN}/10/L1", ""),
        (f"/01/{GTIN}/22/A/10/L1/21/7", "?serial=7"),
        (f"/01/{GTIN}/10/L1?17=271231", ""),
        (f"/01/{GTIN[1:]}/10/L1", ""),
    ):
        answer = client.get(path, headers=HTML)
        page = f"http://127.0.0.1:8000/products/{GTIN}/L1{piece}"
        assert (answer.status_code, answer.headers["location"]) == (307, page)
    assert client.get(f"/01/{GTIN}").headers["location"].endswith(f"/products/{GTIN}")


def test_lot_with_a_slash_resolves(farms: Farms) -> None:
    """Percent-encoding and all."""
    farms.submit("farm-1", "event", farms.event("A/recall", "harvest", 60))
    assert client_of(farms).get(f"/01/{GTIN}/10/A%2Frecall").headers["location"].endswith("/A%2Frecall")


def test_linkset_is_of_the_published_schema(farms: Farms, shared: Path) -> None:
    """Other software reads the linkset by GS1's schema, asked for by linkType or by Accept."""
    schema = jsonschema_rs.validator_for(json.loads((shared / "gs1-linkset/gs1-linkset-schema.json").read_text()))
    client = client_of(farms)
    by_type = client.get(f"/01/{GTIN}/10/L1", params={"linkType": "all"})
    by_accept = client.get(f"/01/{GTIN}/10/L1", headers={"accept": "application/linkset+json"})
    for answer in (by_type, by_accept, client.get(f"/01/{GTIN}", params={"linkType": "linkset"})):
        assert answer.headers["content-type"] == "application/linkset+json"
        schema.validate(answer.json())
    assert by_type.json() == by_accept.json()
    links = by_type.json()["linkset"][0]
    for name in (
        "traceability",
        "epcis",
        "certificationInfo",
        "recallStatus",
        "productPassport",
        "locationInfo",
        "pip",
    ):
        assert f"https://gs1.org/voc/{name}" in links


def test_one_link_type(farms: Farms) -> None:
    """A link type that is served leads there; another is named as missing."""
    client = client_of(farms)
    answer = client.get(f"/01/{GTIN}/10/L1", params={"linkType": "gs1:verificationService"})
    assert answer.headers["location"].endswith("/L1/bundle")
    missing = client.get(f"/01/{GTIN}/10/L1", params={"linkType": "gs1:nothing"})
    assert (missing.status_code, "gs1:pip" in missing.json()["expected"]) == (404, True)


def test_unknown_and_malformed_have_pages(farms: Farms) -> None:
    """A code of nothing here, and one that is no code, each say so to people and to programs."""
    client = client_of(farms)
    assert client.get(f"/01/{GTIN}/10/L9", headers=HTML).status_code == 404
    assert client.get("/01/04712345678917/10/L1").headers["content-type"] == "application/problem+json"
    assert client.get("/01/04712345678901/10/L1", headers=HTML).status_code == 400
    assert client.get(f"/01/{GTIN}/10/L1?01=1").status_code == 400
    assert client.get(f"/01/{GTIN}/21/7/10/L1").status_code == 400


def test_resolver_describes_itself(farms: Farms) -> None:
    """The well-known description names root and keys."""
    found = client_of(farms).get("/.well-known/gs1resolver").json()
    assert (found["resolverRoot"], found["supportedPrimaryKeys"]) == ("http://127.0.0.1:8000", ["01"])


def test_hostile_links_lead_nowhere_else(farms: Farms) -> None:
    """No path or query of a code sends a scan to another site, splits a header or reads another lot's page."""
    client = client_of(farms)
    for path in (
        f"//evil.example/01/{GTIN}/10/L1",
        f"/01/{GTIN}/10/%0d%0aLocation:%20https:%2F%2Fevil.example",
        f"/01/{GTIN}/10/..%2F..%2F..%2Fdemo",
        f"/01/{GTIN}/10/L1?linkType=https://evil.example",
        f"/01/{GTIN}/10/L1?linkType=all&linkType=https://evil.example",
        f"/01/{GTIN}/10/L1?linkType=%0d%0a",
        f"/01/{GTIN}/10/L1?17=991399",
        f"/01/{GTIN}/10/L1?17=271231&17=271230",
        f"/01/{GTIN}/10/L1/10/L2",
        f"/01/{GTIN}/10/{'A' * 21}",
        "/01/%ff/10/L1",
    ):
        for accept in ("text/html", "application/json", "application/linkset+json"):
            answer = client.get(path, headers={"accept": accept})
            location = answer.headers.get("location", "http://127.0.0.1:8000/")
            assert answer.status_code in {307, 400, 404} or "linkset" in answer.headers["content-type"], path
            assert location.startswith("http://127.0.0.1:8000/"), path
            assert "evil" not in location
            assert answer.status_code != 307 or path.startswith("//"), path


def test_encoded_otherwise_is_the_same_lot(farms: Farms) -> None:
    """A code that escapes what it need not escape is the same code."""
    client = client_of(farms)
    assert client.get(f"/01/{GTIN}/10/%4C1").headers["location"].endswith(f"/products/{GTIN}/L1")
    assert client.get(f"/01/{GTIN}/10/L%2531").status_code == 404
