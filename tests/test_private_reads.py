"""Private records over HTTP: whom they concern reads them by signed request, nobody else learns that they are there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from farms import ORIGIN, Farms, close_farms, open_farms
from webs import client_of

from api.signed import sign_request
from contracts import rulebook
from contracts.assent import assent
from contracts.kind import ACTOR_ID, Kind, Schema, body, text
from ledger import cbor
from ledger.disclosure import make_disclosure
from ledger.document import encode_document
from ledger.facts import fact_key
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.record import sign_record
from ledger.replay import replay
from node.erasing import apply_erasures
from verifiers.record import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient
    from httpx import Response

    from contracts.kind import Act
    from ledger.facts import Change

DIARY = 0x7F
BASE = "http://127.0.0.1:8000"


def _write(act: Act) -> list[Change]:
    return [act.change(fact_key(DIARY, [act.body["name"]]), {"text": act.body["text"]})]


KIND = Kind(
    "diary",
    body({"name": text(), "text": text(), "shown_to": {"type": "array", "items": ACTOR_ID}}),
    lambda content: f"diary/{content['name']}",
    _write,
    hidden=frozenset({"memo"}),
    private=True,
    readers=lambda content, _: content["shown_to"],
)


def _agree(act: Act) -> list[Change]:
    return list(assent(act).changes)


PACT = Kind(
    "pact",
    body({"name": text(), "between": {"type": "array", "items": ACTOR_ID}}),
    lambda content: f"pact/{content['name']}",
    _agree,
    hidden=frozenset({"memo"}),
    private=True,
    parties=lambda content: content["between"],
)


@dataclass(frozen=True)
class Desk:
    """A world and its web app."""

    farms: Farms
    client: TestClient

    def seal(self) -> None:
        """Seal, and serve what is sealed."""
        self.farms.log.seal()
        self.client.app.state.services.serving.refresh()  # type: ignore[attr-defined]  # Starlette leaves it untyped


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A world whose rules know two private kinds more."""
    for kind in (KIND, PACT):
        monkeypatch.setitem(rulebook.KINDS, kind.name, kind)
        monkeypatch.setitem(rulebook._SCHEMAS, kind.name, Schema(kind.schema))
    farms = open_farms(tmp_path)
    yield Desk(farms, client_of(farms))
    close_farms(farms)


def write(desk: Desk, kind: str, content: dict[str, Any], hidden: dict[str, str] | None = None) -> Response:
    """Hand in a record of farm-1, over HTTP."""
    farms = desk.farms
    texts = [make_disclosure(name, value) for name, value in (hidden or {}).items()]
    document = encode_document(
        id=f"d{next(farms.numbers)}", body=content, hidden={one.name: one.digest for one in texts}
    )
    statement = sign_record(
        farms.keys["farm-1"], kind=kind, issuer="farm-1", subject=rulebook.kind_of(kind).subject(content),
        audience=ORIGIN, issued_at_s=int(time.time()), document=document,
    )  # fmt: skip
    item = [statement, document, [[one.text, False] for one in texts]]
    return desk.client.post("/entries", content=cbor.encode(item), headers={"Content-Type": "application/cbor"})


def get(desk: Desk, path: str, actor: str | None) -> Response:
    """Read a path, signed by an actor or by nobody."""
    headers = {} if actor is None else sign_request(desk.farms.keys[actor], "GET", f"{BASE}{path}")
    return desk.client.get(path, headers=headers)


def diary(desk: Desk) -> str:
    """Write a diary that the packer may read, and return its id."""
    answer = cbor.decode(
        write(desk, "diary", {"name": "d", "text": "rain", "shown_to": ["packer"]}, {"memo": "王小明"}).content
    )
    assert "index" not in answer
    return str(answer["id"])


@pytest.mark.parametrize("behind", ["", "/record", "/document", "/disclosures"])
def test_whom_it_concerns_and_nobody_else(desk: Desk, behind: str) -> None:
    """Who signed it and whom its kind names read it; others are told the same as of a record that is not there."""
    name = diary(desk)
    desk.seal()
    for actor in ("farm-1", "packer"):
        answer = get(desk, f"/entries/{name}{behind}", actor)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.content
    assert get(desk, f"/entries/{name}{behind}", None).status_code == 401
    refused = get(desk, f"/entries/{name}{behind}", "farm-2")
    nothing = get(desk, f"/entries/1.77{behind}", "farm-2")
    assert (refused.status_code, refused.content) == (403, nothing.content)
    assert nothing.status_code == 403


@pytest.mark.parametrize("name", ["1.", ".1", "1.2.3", "01.2", "1.x", "9" * 30 + ".1", "-1.2"])
def test_malformed_names(desk: Desk, name: str) -> None:
    """A name that no record has is the client's mistake and says so."""
    assert get(desk, f"/entries/{name}", "farm-1").status_code == 400


def test_the_owner_keeps_a_proof_file(desk: Desk) -> None:
    """Until the seal it is on its way; after it one file proves record and time, offline, with what is hidden."""
    name = diary(desk)
    waiting = get(desk, f"/entries/{name}", "farm-1")
    assert (waiting.status_code, waiting.headers["location"]) == (302, f"/entries/{name}")
    desk.seal()
    proof = get(desk, f"/entries/{name}", "farm-1").content
    verdict = verify(proof, desk.farms.policy(), int(time.time()))
    assert (verdict.kind, verdict.status) == ("operator", "entered"), verdict.steps[-1]
    assert (verdict.facts["record"], verdict.facts["by"]) == (name, "farm-1")
    assert verdict.facts["body"]["text"] == "rain"
    assert verdict.disclosures == [{"record": name, "name": "memo", "state": "shown", "value": "王小明"}]
    other = verify(proof.replace(b"rain", b"hail"), desk.farms.policy(), int(time.time()))
    assert (other.kind, other.steps[-1].name) == ("fails", "records")


def test_erased_in_private(desk: Desk) -> None:
    """A private record's hidden field is erased by a private record: nothing public says that anything was."""
    name = diary(desk)
    desk.seal()
    farms = desk.farms
    before = farms.store.head()
    digest = get(desk, f"/entries/{name}/disclosures", "farm-1").json()[0]["digest"]
    erasure = {"digest": digest, "authority": "個資法第 11 條", "reason": "當事人要求"}
    assert write(desk, "erasure", erasure).status_code == 422
    assert write(desk, "private-erasure", erasure).status_code == 201
    after = farms.store.head()
    assert before is not None
    assert after is not None
    assert before.size == after.size
    desk.seal()
    assert apply_erasures(farms.store, farms.vault) == 1
    field = get(desk, f"/entries/{name}/disclosures", "farm-1").json()[0]
    assert (field["state"], field["value"]) == ("erased", None)
    verdict = verify(get(desk, f"/entries/{name}", "farm-1").content, farms.policy(), int(time.time()))
    assert verdict.disclosures == [{"record": name, "name": "memo", "state": "erased", "value": None}]
    fold = farms.log.fold
    assert isinstance(fold, Fold)
    fsck(farms.store, fold)
    replay(farms.store, fold)
    replay(farms.store, fold, public_only=True)


def test_an_erased_text_does_not_come_back(desk: Desk) -> None:
    """Who signs a document after others may hand its hidden texts in again; what was erased meanwhile stays erased."""
    farms = desk.farms
    memo = make_disclosure("memo", "王小明")
    content = {"name": "p", "between": ["farm-1", "farm-2"]}
    document = encode_document(id="pact", body=content, hidden={"memo": memo.digest})

    def sign(actor: str) -> Response:
        statement = sign_record(
            farms.keys[actor], kind="pact", issuer=actor, subject="pact/p", audience=ORIGIN,
            issued_at_s=int(time.time()), expires_at_s=int(time.time()) + 600, document=document,
        )  # fmt: skip
        item = cbor.encode([statement, document, [[memo.text, False]]])
        return desk.client.post("/entries", content=item, headers={"Content-Type": "application/cbor"})

    first = cbor.decode(sign("farm-1").content)["id"]
    assert write(desk, "private-erasure", {"digest": memo.digest, "authority": "a", "reason": "b"}).status_code == 201
    desk.seal()
    assert apply_erasures(farms.store, farms.vault) == 1
    assert sign("farm-2").status_code == 201
    desk.seal()
    field = get(desk, f"/entries/{first}/disclosures", "farm-1").json()[0]
    assert (field["state"], field["value"]) == ("erased", None)
    assert farms.store.disclosure(memo.digest) is None
