"""Certificates: what an inspector says of a farm, until when, and whether it still stands.

certificate         {"number": "TAP-1", "scheme": "產銷履歷", "holder": "pingtung.farm-1",
                     "valid_from": "2026-01-01", "valid_until": "2028-12-31"}
certificate-status  {"number": "TAP-1", "status": "suspended", "reason": "…"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.keys import certificate_key
from contracts.kind import ACTOR_ID, DATE, SITE_ID, Act, Kind, body, text
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Mapping


def begin(content: Mapping[str, Any], actor: str, index: int) -> dict[str, Any]:
    """Return the state of a certificate as its record gives it; rule and verdict both do.

    Args:
        content: the body of the record.
        actor: who issues it.
        index: the record's.

    Raises:
        RefusedError: it ends before it begins.
    """
    if content["valid_from"] > content["valid_until"]:
        raise RefusedError(
            "certificates.dates",
            "a certificate ends after it begins",
            expected=f"{content['valid_from']} or later",
            got=content["valid_until"],
        )
    return {
        "issuer": actor, "scheme": content["scheme"], "holder": content["holder"], "site": content.get("site"),
        "valid_from": content["valid_from"], "valid_until": content["valid_until"], "state": "valid",
        "record": index, "acts": 1,
    }  # fmt: skip


def follow(state: Mapping[str, Any], content: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Return the state of a certificate after a record that changes its status; rule and verdict both do.

    Raises:
        RefusedError: it is another's, or changes nothing.
    """
    status = content["status"]
    if state["issuer"] != actor:
        raise RefusedError(
            "certificates.issuer", "a certificate is changed by who issued it", expected=state["issuer"], got=actor
        )
    if state["state"] in {status, "withdrawn"}:
        raise RefusedError(
            "certificates.state",
            "a withdrawn certificate stays so, another one changes",
            expected="a change of one that is not withdrawn",
            got=f"{state['state']} to {status}",
        )
    return {**state, "state": status, "acts": state["acts"] + 1}


def entry_of(state: Mapping[str, Any], index: int, time_ms: int) -> dict[str, Any]:
    """Return the fact of the act that gave a certificate this state."""
    return {"record": index, "state": state["state"], "registered_ms": time_ms}


def _certificate(act: Act) -> list[Change]:
    act.expect_inspector("certificates.role", "certificates are an inspector's")
    state = begin(act.body, act.actor, act.at.index)
    number = act.body["number"]
    known = act.facts.get(certificate_key(number))
    act.expect(known is None, "certificates.known", "this certificate is registered already", got=number)
    return _written(act, state)


def _certificate_status(act: Act) -> list[Change]:
    known = act.facts.get(certificate_key(act.body["number"]))
    if known is None:
        raise RefusedError("certificates.unknown", "nobody registered this certificate", got=act.body["number"])
    act.expect_inspector("certificates.role", "certificates are an inspector's")
    return _written(act, follow(known, act.body, act.actor))


def _written(act: Act, state: dict[str, Any]) -> list[Change]:
    number = act.body["number"]
    return [
        Change(certificate_key(number), state),
        Change(certificate_key(number, state["acts"]), entry_of(state, act.at.index, act.at.time_ms)),
    ]


KINDS = (
    Kind(
        "certificate",
        body(
            {"number": text(64), "scheme": text(), "holder": ACTOR_ID, "valid_from": DATE, "valid_until": DATE},
            {"site": SITE_ID, "certifier": text()},
        ),
        lambda content: f"certificate/{content['number']}",
        _certificate,
        lambda content: [certificate_key(content["number"])],
    ),
    Kind(
        "certificate-status",
        body({"number": text(64), "status": {"enum": ["valid", "suspended", "withdrawn"]}, "reason": text()}),
        lambda content: f"certificate/{content['number']}",
        _certificate_status,
        lambda content: [certificate_key(content["number"])],
    ),
)
