"""A small farming world over a real log: operator, county, association, farmers, an inspector, and what they record."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledgers import KEYS

from contracts.actors import possession_text
from contracts.gs1 import lot_uri
from contracts.operation import BIZ_STEP, CONTEXT
from contracts.rulebook import kind_of, rulebooks
from ledger.disclosure import make_disclosure
from ledger.document import Context, encode_document
from ledger.genesis import Genesis, encode_genesis, encode_key
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import ED25519, VerifierKey
from ledger.policy import Log as PolicyLog
from ledger.policy import Policy, TlogPolicy, encode_policy
from ledger.record import sign_record
from ledger.serving import Serving
from ledger.signature import SigningKey
from ledger.store import Store, open_store
from ledger.store.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "log.test/farms"
GTIN = "04712345678900"
OTHER_GTIN = "04712345678917"


@dataclass
class Farms:
    """The world: actors by name with their keys, the log, the vault."""

    store: Store
    log: Log
    vault: Vault
    keys: dict[str, SigningKey]
    folder: Path
    numbers: Any = field(default_factory=itertools.count)

    def record(
        self,
        actor: str,
        kind: str,
        body: dict[str, Any],
        *,
        key: SigningKey | None = None,
        subject: str | None = None,
        hidden: dict[str, str] | None = None,
        entered_for: str | None = None,
        client_id: str | None = None,
        expires_at_s: int | None = None,
        audience: str = ORIGIN,
    ) -> tuple[bytes, bytes, list[tuple[str, bool]]]:
        """Return a signed record, its document, and the disclosures of what it hides (all public)."""
        disclosures = [make_disclosure(name, text) for name, text in (hidden or {}).items()]
        document = encode_document(
            id=client_id or f"n{next(self.numbers)}",
            body=body,
            hidden={one.name: one.digest for one in disclosures},
            context=None if entered_for is None else Context(entered_for),
        )
        statement = sign_record(
            key or self.keys[actor],
            kind=kind,
            issuer=actor,
            subject=subject or kind_of(kind).subject(body),
            audience=audience,
            issued_at_s=int(time.time()),
            document=document,
            expires_at_s=expires_at_s,
        )
        return statement, document, [(one.text, True) for one in disclosures]

    def submit(self, actor: str, kind: str, body: dict[str, Any], **more: Any) -> Any:
        """Submit a record and return its answer."""
        statement, document, disclosures = self.record(actor, kind, body, **more)
        return self.log.submit(statement, document, self.vault.seal(disclosures)).result(30)

    def register(self, parent: str, actor: str, role: str) -> None:
        """Register an actor with a fresh key."""
        key = SigningKey.generate()
        proof = encode_signature(key.sign(possession_text(ORIGIN, actor)))
        body = {
            "actor": actor, "role": role, "parent": parent, "key": encode_key(key.public_key), "possession": proof,
            "name": {"zh-TW": f"名稱 {actor}"},
        }  # fmt: skip
        self.submit(parent, "actor", body)
        self.keys[actor] = key

    def event(self, lot: str, step: str, kg: float | None = None, *, gtin: str = GTIN, **more: Any) -> dict[str, Any]:
        """Return an EPCIS event on a lot, an hour ago."""
        element: dict[str, Any] = {"epcClass": lot_uri(gtin, lot)}
        if kg is not None:
            element |= {"quantity": kg, "uom": "KGM"}
        own = step in {"sow", "harvest", "pack", "water", "fertilise"}
        return {
            "@context": CONTEXT,
            "type": "ObjectEvent",
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(time.time() + 7 * 3600)),
            "eventTimeZoneOffset": "+08:00",
            "eventID": f"urn:uuid:00000000-0000-4000-8000-{next(self.numbers):012}",
            "action": "OBSERVE",
            "bizStep": BIZ_STEP + step if own else step,
            "quantityList": [element],
            **more,
        }

    def transformation(self, inputs: list[tuple[str, float]], outputs: list[tuple[str, float]]) -> dict[str, Any]:
        """Return a TransformationEvent between lots."""
        event = self.event("X", "pack")
        for name in ("action", "bizStep", "quantityList"):
            del event[name]
        return {
            **event,
            "type": "TransformationEvent",
            "inputQuantityList": [_element(*one) for one in inputs],
            "outputQuantityList": [_element(*one) for one in outputs],
        }

    def season(self, lot: str = "L1", farmer: str = "farm-1") -> None:
        """Record a short season: site, product, lot, certificate, acts, inspection."""
        self.submit(farmer, "lot", {"gtin": GTIN, "lot": lot, "site": "S-1", "certificates": ["C-1"]},
                    hidden={"farmer_name": "王小明"})  # fmt: skip
        self.submit(farmer, "event", self.event(lot, "sow"), hidden={"memo": "與鄰居一起播種"})
        self.submit(farmer, "event", self.event(lot, "harvest", 1200))
        self.submit(farmer, "event", self.event(lot, "pack", 1000))
        self.submit(farmer, "event", self.event(lot, "shipping", 400))
        self.submit("lab", "inspection", {"gtin": GTIN, "lot": lot, "test": "農藥殘留", "result": "passed",
                                          "sampled": "2026-11-01"})  # fmt: skip

    def serving(self) -> Serving:
        """Seal, and return what is served as of the seal."""
        self.log.seal()
        serving = Serving(self.log)
        serving.refresh()
        return serving

    def policy(self, **more: Any) -> bytes:
        """Return a policy that trusts this log by its operator's word."""
        vkey = VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key)
        tlog = TlogPolicy(logs=(PolicyLog(vkey, None),), witnesses=(), groups=(), quorum="none")
        settings: dict[str, Any] = {"tlog": tlog, "max_age_s": 86_400, **more}
        return encode_policy(Policy(genesis=leaf_hash(self.store.entry(0).statement), **settings))


def encode_signature(signature: bytes) -> str:
    """Return 64 bytes as base64url without padding."""
    from base64 import urlsafe_b64encode  # noqa: PLC0415 - one use

    return urlsafe_b64encode(signature).decode().rstrip("=")


def _element(lot: str, kg: float) -> dict[str, Any]:
    return {"epcClass": lot_uri(GTIN, lot), "quantity": kg, "uom": "KGM"}


def open_farms(folder: Path, url: str | None = None) -> Farms:
    """Open the world on a database, by default SQLite in a folder: an operator and those below it, down to a lab."""
    store = open_store(url or f"sqlite:///{folder}/ledger.db")
    log = Log(store, rulebooks(), KEYS, ORIGIN)
    operator = SigningKey.from_seed(b"\x07" * 32)
    log.create(
        encode_genesis(
            Genesis(
                ORIGIN,
                VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key),
                KEYS.receipt.public_key,
                KEYS.record.public_key,
                0,
                (),
                {
                    "actor": "operator",
                    "role": "operator",
                    "name": {"zh-TW": "風土"},
                    "key": encode_key(operator.public_key),
                },
                1,
            )
        )
    )
    log.start()
    farms = Farms(store, log, Vault(folder / "vault.db"), {"operator": operator}, folder)
    populate(farms)
    return farms


def populate(farms: Farms) -> None:
    """Register those below the operator, a site, a product and a certificate."""
    farms.register("operator", "county", "county")
    farms.register("county", "fa", "association")
    farms.register("fa", "farm-1", "farmer")
    farms.register("fa", "farm-2", "farmer")
    farms.register("fa", "packer", "packer")
    farms.register("county", "lab", "inspector")
    farms.submit("farm-1", "site", {"site": "S-1", "name": {"zh-TW": "東田"}, "county": "屏東縣", "township": "萬丹鄉",
                                    "area_m2": 4200}, hidden={"land_sec_no": "萬丹段 123"})  # fmt: skip
    farms.submit("farm-1", "product", {"gtin": GTIN, "name": {"zh-TW": "毛豆", "en": "Edamame"}, "crop": "毛豆"})
    farms.submit("lab", "certificate", {"number": "C-1", "scheme": "產銷履歷", "holder": "farm-1",
                                        "valid_from": "2026-01-01", "valid_until": "2027-12-31"})  # fmt: skip


def close_farms(farms: Farms) -> None:
    """Stop the log and close the files."""
    farms.log.close()
    farms.store.close()
    farms.vault.close()
