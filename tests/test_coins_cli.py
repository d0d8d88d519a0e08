"""Coins from the command line: a station, a shop and a resident with a phone, over a node in a process of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
from rewards import terms
from test_cli import FENGTU, _environment, _init, _node, _run
from typer.testing import CliRunner

from node.cli import accounts, app, charges, clearing

if TYPE_CHECKING:
    from collections.abc import Iterator

PERSON = ("--person", "A123456789", "--person-key", "people.key")
TOWN = ("--programme", "town-health")
__all__ = ["FENGTU", "_environment"]


class Street:
    """A node with a programme, and its people's keys in its folder."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        for actor, role in (("clinic", "clinic"), ("noodles", "merchant"), ("tea", "merchant")):
            _run("key", "new", actor, "--data", data)
            shown = json.loads(_run("key", "show", actor, "--data", data, "--origin", "log.test/cli").stdout)
            body = {"actor": actor, "role": role, "parent": "operator", "name": {"zh-TW": actor}}
            self.record("actor", {**body, "key": shown["public_key"], "possession": shown["possession"]})
        merchants, issuers = {"noodles": ["main"], "tea": ["main"]}, {"operator": 10_000}
        programme = terms(
            programme="town-health", issuers=issuers, stations={"clinic": "operator"}, merchants=merchants
        )
        self.record("programme", programme)
        Path("people.key").write_text("6b" * 32)

    def record(self, kind: str, body: dict[str, Any]) -> None:
        """Let the operator sign a record and hand it in."""
        Path("body.json").write_text(json.dumps(body))
        _run("sign", "body.json", "--kind", kind, "--key", "operator", "-o", "r.cose", "--url", self.url,
             "--data", self.data)  # fmt: skip
        _run("submit", "r.cose", "--url", self.url, "-o", "r.receipt")

    def say(self, noun: str, *words: object, by: str, code: int = 0) -> str:
        """Run a command as somebody; return what it says."""
        named = ("--key", by, "--url", self.url, "--data", self.data)
        return _run(noun, *words, *named, code=code).output.strip()

    def resident(self, name: str, person: str) -> str:
        """Open a resident's account with a phone and some coins."""
        _run("account", "new", name, "--url", self.url, "--data", self.data, "-o", f"{name}.json")
        who = ("--person", person, "--person-key", "people.key")
        account = self.say("account", "open", f"{name}.json", *TOWN, *who, by="clinic")
        for _ in range(2):
            self.say("account", "earn", account, "steps", *TOWN, by="clinic")
        self.say("account", "earn", account, "class", *TOWN, by="clinic")
        return account


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """A street in which everybody has a key."""
    data = tmp_path / "data"
    _init(data)
    with _node("--data", data) as (_, url):
        yield Street(url, data)


def test_from_the_station_to_the_clearing(street: Street, tmp_path: Path) -> None:
    """An account earns, pays by digits, code, hold and card, gives vouchers and loses its phone, and all adds up."""
    say = street.say
    anna = street.resident("anna", "A123456789")
    assert say("account", "show", by="anna").startswith("55 coins of town-health to spend")
    shown = say("account", "code", 20, "--for", "noodles", by="anna")
    digits = re.search(r"^(\d{4} \d{3} \d{3}) ", shown, re.MULTILINE)
    assert digits is not None
    assert "no code" not in say("charge", "take", 5, "--by", digits[1], by="tea", code=1)
    paid = say("charge", "take", 20, "--by", digits[1], by="noodles")
    charge = paid.split()[0]
    assert paid.endswith("20 coins paid to noodles")
    assert say("charge", "take", 20, "--by", digits[1], by="noodles") == paid
    assert "8 coins" not in say("charge", "refund", charge, 8, by="noodles")
    asked = say("charge", "take", 12, "--by", _code(street, 5), by="noodles").split()[0]
    assert "12 coins paid" in say("charge", "confirm", asked, 12, by="anna")
    held = say("charge", "take", 10, "--by", _code(street, 10), "--hold", 60, by="tea").split()[0]
    assert "4 coins paid" in say("charge", "post", held, 4, by="tea")
    let_go = say("charge", "take", 3, "--by", _code(street, 3), "--hold", 60, by="tea").split()[0]
    assert "let go" in say("charge", "void", let_go, by="tea")
    card = say("account", "card", anna, *TOWN, by="clinic").splitlines()[-1]
    assert "6 coins paid" in say("charge", "take", 6, "--by", card, *TOWN, by="noodles")
    assert say("account", "show", by="anna").startswith("21 coins")
    _vouchers(street, anna)
    _lost_phone(street, anna)
    _cleared(street, tmp_path)


def _code(street: Street, ceiling: int) -> str:
    return street.say("account", "code", ceiling, by="anna").splitlines()[0]


def _vouchers(street: Street, anna: str) -> None:
    """Two vouchers of 15 over 21 coins: one pays, the other is on record under the account's name."""
    offline = (*TOWN, "--origin", "log.test/cli", "-o", "one.voucher")
    for _ in range(2):
        street.say("account", "voucher", 15, "--for", "noodles", *offline, by="anna")
        with Path("all.vouchers").open("a") as kept:
            kept.write(Path("one.voucher").read_text())
    said = street.say("charge", "upload", "all.vouchers", by="noodles", code=1)
    assert "posted, 15 coins" in said
    assert f"unpaid, 0 coins, signed by account {anna}" in said
    assert street.say("charge", "upload", "all.vouchers", by="noodles", code=1) == said


def _lost_phone(street: Street, anna: str) -> None:
    """The station finds the account, closes its key, and gives it to a new phone; the old one is shut out."""
    found = street.say("account", "find", *TOWN, *PERSON, by="clinic")
    assert found.startswith(anna)
    old = _code(street, 2)
    _run("account", "new", "new", "--account", anna, "--url", street.url, "--data", street.data, "-o", "new.json")
    moved = street.say("account", "move", anna, "--close", "all", "--request", "new.json", *TOWN, by="clinic")
    assert moved == "1 closed, and the new phone may pay"
    assert "till.code" in street.say("charge", "take", 2, "--by", old, by="noodles", code=1)
    street.say("account", "show", by="anna", code=1)
    assert street.say("account", "show", by="new").startswith("6 coins")
    other = street.resident("beni", "B223456789")
    assert "sent" in street.say("account", "send", other, 2, by="new")


def _cleared(street: Street, folder: Path) -> None:
    """Both sides come to 37 coins for noodles and 4 for tea; the issuer's proof says what is out."""
    street.record("actor-close", {"actor": "tea", "reason": "搬家"})
    whole = json.loads(street.say("clear", "show", "town-health", "--json", by="operator"))
    assert whole["equal"]
    assert {row["merchant"]: row["net"] for row in whole["rows"]} == {"noodles": 12 + 12 + 6 + 15, "tea": 4}
    table = street.say("clear", "show", "town-health", by="operator")
    assert "noodles main" in table
    assert f"{whole['due'] / 100:,.2f} in all, so far" in table
    street.say("clear", "csv", "town-health", "-o", "month.csv", by="operator")
    assert (folder / "month.csv").read_text("utf-8-sig").count("\n") == 3
    said = street.say("clear", "liability", "town-health", "operator", "-o", "owed.json", by="operator")
    assert said.startswith("operator still stands for 61 coins")
    Path("policy.json").write_text(_run("log", "policy", "--data", street.data).stdout)
    assert "BY THE OPERATOR'S WORD" in _run("verify", "owed.json", "--policy", "policy.json").stdout
    street.say("account", "archive", "-o", "mine.zip", by="new")
    with ZipFile("mine.zip") as mine:
        assert {"facts.json", "account.bundle.json"} <= set(mine.namelist())
    listed = street.say("charge", "list", "town-health", by="noodles")
    assert listed.startswith("today 45 coins: 4 payments, 1 refunds")


@pytest.mark.parametrize("noun", ["account", "charge", "clear"])
def test_help_teaches(noun: str) -> None:
    """Each command says what it does and gives an example that names real options."""
    group = {"account": accounts, "charge": charges, "clear": clearing}[noun].commands
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        text = CliRunner().invoke(app, [noun, name, "--help"]).output
        assert f"Example: fengtu {noun} {name}" in text
        example = re.sub(r"\s+", " ", text[text.index("Example:") :])
        for option in re.findall(r"--[a-z-]+", example):
            assert option in text[: text.index("Example:")], option
