"""Certificates: what an inspector says of a farm, until when, and whether it still stands.

certificate         {"number": "TAP-1", "scheme": "產銷履歷", "holder": "pingtung.farm-1",
                     "valid_from": "2026-01-01", "valid_until": "2028-12-31"}
certificate-status  {"number": "TAP-1", "status": "suspended", "reason": "…"}
"""

from __future__ import annotations

from contracts.keys import certificate_key
from contracts.kind import ACTOR_ID, DATE, SITE_ID, Act, Kind, body, text
from ledger.errors import RefusedError
from ledger.facts import Change


def _certificate(act: Act) -> list[Change]:
    content = act.body
    act.expect_inspector("certificates.role", "certificates are an inspector's")
    act.expect(
        content["valid_from"] <= content["valid_until"],
        "certificates.dates",
        "a certificate ends after it begins",
        expected=f"{content['valid_from']} or later",
        got=content["valid_until"],
    )
    known = act.facts.get(certificate_key(content["number"]))
    act.expect(known is None, "certificates.known", "this certificate is registered already", got=content["number"])
    state = {
        "issuer": act.actor, "scheme": content["scheme"], "holder": content["holder"], "site": content.get("site"),
        "valid_from": content["valid_from"], "valid_until": content["valid_until"], "state": "valid",
        "record": act.at.index, "acts": 1,
    }  # fmt: skip
    entry = {"record": act.at.index, "state": "valid", "registered_ms": act.at.time_ms}
    return [
        Change(certificate_key(content["number"]), state),
        Change(certificate_key(content["number"], 1), entry),
    ]


def _certificate_status(act: Act) -> list[Change]:
    number, status = act.body["number"], act.body["status"]
    known = act.facts.get(certificate_key(number))
    if known is None:
        raise RefusedError("certificates.unknown", "nobody registered this certificate", got=number)
    act.expect_inspector("certificates.role", "certificates are an inspector's")
    act.expect(
        known["issuer"] == act.actor,
        "certificates.issuer",
        "a certificate is changed by who issued it",
        expected=known["issuer"],
        got=act.actor,
    )
    act.expect(
        known["state"] not in {status, "withdrawn"},
        "certificates.state",
        "a withdrawn certificate stays so, another one changes",
        expected="a change of one that is not withdrawn",
        got=f"{known['state']} to {status}",
    )
    acts = known["acts"] + 1
    entry = {"record": act.at.index, "state": status, "registered_ms": act.at.time_ms}
    return [
        Change(certificate_key(number), {**known, "state": status, "acts": acts}),
        Change(certificate_key(number, acts), entry),
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
