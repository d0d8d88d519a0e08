"""Accounts and payments for those whom they concern: page, facts, proof file, and all of a person's in one file.

    /accounts/{account}                 a wallet; behind it data, bundle, archive
    /redemptions/{charge}               a payment; behind it data, bundle

A charge also stands below the account that paid it and below its merchant's till, so that a door to either opens it. An
account concerns its holder and who runs the programme, a charge its merchant too. Others are told the same of what
concerns others and of what there is not.
"""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode
from zipfile import ZIP_DEFLATED, ZipFile

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page, wants_page
from api.bundles import answer_bundle, read_answer
from api.door import HEADERS, Visit, open_visit
from api.pages.views.parts import Text
from api.pages.views.rewards import Pager, PaymentView, ProofView, WalletView
from api.private import PresentFacts
from api.problems import ForbiddenError
from api.services import Node, Services
from api.signed import raw_path
from contracts.rewards.book import holder_of
from contracts.rewards.charge import stage
from contracts.rewards.coins import purse_at
from contracts.rewards.keys import COMMITMENT, account_key, charge_key, programme_key
from ledger import cbor
from ledger.bundle import CONTENT_TYPE
from ledger.facts import record_id
from verifiers import account as accounts
from verifiers import payment as payments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.serving import View

router = APIRouter(tags=["coins"])

PAGE_ACTS = 50
At = Annotated[int | None, Query(ge=0, le=2**48, description="Unix milliseconds; the newest seal where it is left out")]
First = Annotated[int, Query(ge=1, le=10**9)]
_ID = re.compile(r"[0-9a-f]{32}")


@router.get("/accounts/{account}")
def account_page(request: Request, node: Node, account: str, first: First = 1) -> Response:
    """Return an account's page: the balance, what ends when, every act; the facts to those who ask for JSON."""
    visit = _open_account(request, node, account)
    if not wants_page(request):
        return _account_facts(node, account, None)
    with node.serving.view() as view:
        answer, _ = read_answer(view, accounts.Answer, _account(account))
        time_ms, proof = view.time_ms, _proof(node, view, visit, f"/accounts/{account}", f"account-{account[:8]}")
    facts, path = answer.facts(time_ms), f"/accounts/{account}"
    acts = facts["history"][::-1]
    shown = acts[first - 1 : first - 1 + PAGE_ACTS]
    later, earlier = max(1, first - PAGE_ACTS), first + PAGE_ACTS
    content = WalletView(
        account=account,
        status=answer.status(time_ms),
        facts=facts,
        history=tuple(shown),
        names=_names(facts),
        links={act["about"]: visit.link(f"{path}/redemptions/{act['about']}") for act in shown if "merchant" in act},
        pager=Pager(
            _page_url(visit, path, later) if first > 1 else "",
            _page_url(visit, path, earlier) if earlier <= len(acts) else "",
        ),
        proof=proof,
        archive_url=visit.link(f"{path}/archive"),
    )
    return _private(page(request, content))


@router.get("/accounts/{account}/data")
def account_data(request: Request, node: Node, account: str, at: At = None) -> Response:
    """Return what is on record of an account; with `at`, its coins as they were then."""
    _open_account(request, node, account)
    return _account_facts(node, account, at)


@router.get("/accounts/{account}/now")
def account_now(request: Request, node: Node, account: str) -> Response:
    """Return an account's coins as they are at this moment; what the newest seal does not hold yet has no proof yet."""
    _open_account(request, node, account)
    now_ms, state = node.log.clock.now_ms(), PresentFacts(node.log.store).get(account_key(account)) or {}
    purse = purse_at(state, now_ms)
    body = {
        "account": account, "programme": state["programme"], "time_ms": now_ms, "balance": purse.balance(),
        "lots": [{"coins": lot.coins, "ends_ms": lot.ends_ms, "issuer": lot.issuer} for lot in purse.lots],
        "holds": [{"charge": hold.charge, "coins": hold.coins, "until_ms": hold.until_ms} for hold in purse.holds],
        "keys": state["keys"],
    }  # fmt: skip
    return JSONResponse(body, headers=dict(HEADERS))


@router.get("/accounts/{account}/bundle")
def account_bundle(request: Request, node: Node, account: str) -> Response:
    """Return the proof file of an account: each lot with its end, and every act that led to it."""
    _open_account(request, node, account)
    return _file(_bundle(node, _account(account)), f"account-{account[:8]}.json", CONTENT_TYPE)


@router.get("/accounts/{account}/archive")
def account_archive(request: Request, node: Node, account: str) -> Response:
    """Return everything that is on record of a person's coins in one ZIP: facts in plain JSON, and each proof file."""
    _open_account(request, node, account)
    with node.serving.view() as view:
        answer, _ = read_answer(view, accounts.Answer, _account(account))
        facts, tests = answer.facts(view.time_ms), _tests(view, account)
    charges = [act["about"] for act in facts["history"] if act["kind"] == "coins-charge"]
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("facts.json", json.dumps(facts, ensure_ascii=False, indent=1))
        archive.writestr("account.bundle.json", _bundle(node, _account(account)))
        for charge in charges:
            archive.writestr(f"payments/{charge}.bundle.json", _bundle(node, _payment(charge)))
        for name, record in tests.items():
            archive.writestr(f"tests/{name}.bundle.json", _bundle(node, {"kind": "record", "record": record}))
    return _file(out.getvalue(), f"account-{account[:8]}.zip", "application/zip")


@router.get("/redemptions/{charge}")
@router.get("/accounts/{account}/redemptions/{charge}", include_in_schema=False)
@router.get("/programmes/{programme}/till/{charge}", include_in_schema=False)
def payment_page(request: Request, node: Node, charge: str) -> Response:
    """Return a charge's page: whether it was paid, by whose word; the facts to those who ask for JSON."""
    visit = _open_charge(request, node, charge)
    if not wants_page(request):
        return _payment_facts(node, charge)
    with node.serving.view() as view:
        answer, _ = read_answer(view, payments.Answer, _payment(charge))
        facts, status = answer.facts(view.time_ms), answer.status(view.time_ms)
        proof = _proof(node, view, visit, raw_path(request), f"redemption-{charge[:8]}")
    content = PaymentView(charge, status, facts, _names(facts), proof)
    return _private(page(request, content))


@router.get("/redemptions/{charge}/data")
@router.get("/accounts/{account}/redemptions/{charge}/data", include_in_schema=False)
@router.get("/programmes/{programme}/till/{charge}/data", include_in_schema=False)
def payment_data(request: Request, node: Node, charge: str) -> Response:
    """Return what is on record of a charge, as its verdict says it."""
    _open_charge(request, node, charge)
    return _payment_facts(node, charge)


@router.get("/redemptions/{charge}/now")
def payment_now(request: Request, node: Node, charge: str) -> Response:
    """Return how a charge stands at this moment; what the newest seal does not hold yet has no proof yet."""
    _open_charge(request, node, charge)
    now_ms, state = node.log.clock.now_ms(), PresentFacts(node.log.store).get(charge_key(charge)) or {}
    shown = {name: value for name, value in state.items() if name != "acts"}
    return JSONResponse({**shown, "stage": stage(state, now_ms), "now_ms": now_ms}, headers=dict(HEADERS))


@router.get("/redemptions/{charge}/bundle")
@router.get("/accounts/{account}/redemptions/{charge}/bundle", include_in_schema=False)
@router.get("/programmes/{programme}/till/{charge}/bundle", include_in_schema=False)
def payment_bundle(request: Request, node: Node, charge: str) -> Response:
    """Return the proof file of a charge; it says nothing of what an account holds or a merchant takes."""
    _open_charge(request, node, charge)
    return _file(_bundle(node, _payment(charge)), f"redemption-{charge[:8]}.json", CONTENT_TYPE)


def _open_account(request: Request, node: Services, account: str) -> Visit:
    """Return who reads, once it is somebody whom the account concerns.

    Raises:
        UnsignedError: the request is not signed, and the address has no door.
        ForbiddenError: it concerns others, or there is none; which of the two is not said.
    """
    visit, facts = open_visit(request, node), PresentFacts(node.log.store)
    state = facts.get(account_key(account)) if _ID.fullmatch(account) else None
    if state is None or visit.actor not in {holder_of(account), _owner(facts, state)}:
        raise ForbiddenError("this account concerns others, or there is none", expected="its holder", got=visit.actor)
    return visit


def _open_charge(request: Request, node: Services, charge: str) -> Visit:
    """Return who reads, once it is somebody whom the charge concerns.

    Raises:
        UnsignedError: the request is not signed, and the address has no door.
        ForbiddenError: it concerns others, or there is none; which of the two is not said.
    """
    visit, facts = open_visit(request, node), PresentFacts(node.log.store)
    state = facts.get(charge_key(charge)) if _ID.fullmatch(charge) else None
    if state is None or visit.actor not in {holder_of(state["account"]), state["merchant"], _owner(facts, state)}:
        raise ForbiddenError(
            "this charge concerns others, or there is none", expected="who paid or was paid", got=visit.actor
        )
    return visit


def _owner(facts: PresentFacts, state: Mapping[str, Any]) -> str:
    terms = facts.get(programme_key(state["programme"]))
    return "" if terms is None else str(terms["owner"])


def _account(account: str) -> dict[str, str]:
    return {"kind": "account", "account": account}


def _payment(charge: str) -> dict[str, str]:
    return {"kind": "payment", "redemption": charge}


def _account_facts(node: Services, account: str, at_ms: int | None) -> Response:
    with node.serving.view() as view:
        answer, _ = read_answer(view, accounts.Answer, _account(account))
        time_ms, seal = view.time_ms, view.seal_index
    body = {"account": account, "status": answer.status(time_ms), "facts": answer.facts(time_ms), "seal": seal}
    if at_ms is not None:
        purse = answer.balance_at(at_ms)
        body |= {"at_ms": at_ms, "balance": None if purse is None else purse.balance()}
    return JSONResponse(body, headers=dict(HEADERS))


def _payment_facts(node: Services, charge: str) -> Response:
    with node.serving.view() as view:
        answer, _ = read_answer(view, payments.Answer, _payment(charge))
        time_ms, seal = view.time_ms, view.seal_index
    body = {"charge": charge, "status": answer.status(time_ms), "facts": answer.facts(time_ms), "seal": seal}
    return JSONResponse(body, headers=dict(HEADERS))


def _bundle(node: Services, question: Mapping[str, str]) -> bytes:
    with node.serving.view() as view:
        return answer_bundle(view, node.vault, question)


def _tests(view: View, account: str) -> dict[str, str]:
    """Return the records of an account's tests, by the record's name; no value of them ever came here."""
    found = view.store.facts_of_holder(COMMITMENT, holder_of(account), view.position)
    names = sorted({record_id(cbor.decode(one.value)["record"]) for one in found})
    return {name.replace(".", "-"): name for name in names}


def _proof(node: Services, view: View, visit: Visit, path: str, name: str) -> ProofView:
    return ProofView(
        bundle_url=visit.link(f"{path}/bundle"),
        data_url=visit.link(f"{path}/data"),
        command=f"fengtu verify {name}.json --policy policy.json",
        origin=node.log.origin,
        seal_time=datetime.fromtimestamp(view.time_ms / 1000, UTC),
    )


def _page_url(visit: Visit, path: str, first: int) -> str:
    pairs = {"first": str(first), "door": visit.door}
    return f"{path}?{urlencode({name: value for name, value in pairs.items() if value})}"


def _names(facts: Mapping[str, Any]) -> dict[str, Text]:
    return {actor: Text(one["name"] or {"zh-TW": actor}) for actor, one in facts["actors"].items()}


def _file(data: bytes, name: str, content_type: str) -> Response:
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, headers=headers, media_type=content_type)


def _private(answer: Response) -> Response:
    answer.headers.update(HEADERS)
    return answer
