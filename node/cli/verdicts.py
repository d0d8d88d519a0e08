"""`fengtu verify`: a proof file checked offline. It begins at once: no server and no database is imported for it."""

from __future__ import annotations

import importlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.bundle import decode_bundle
from ledger.errors import NotFoundError
from node.cli.sentences import one_line, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifiers.verdict import Verdict

commands = typer.Typer()

WORDS = {
    "holds": "HOLDS",
    "operator": "HOLDS BY THE OPERATOR'S WORD",
    "as-of": "HOLDS AS OF AN EARLIER TIME",
    "fails": "DOES NOT HOLD",
}
EXIT_CODES = {"holds": 0, "operator": 0, "as-of": 3, "fails": 1}


@commands.command(epilog="Example: fengtu verify tea.bundle.json --policy policy.json")
def verify(
    file: Annotated[Path, typer.Argument(help="A proof file.")],
    *,
    policy: Annotated[Path, typer.Option(help="Whom you trust: a policy that did not come with the proof file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Verify a proof file offline and print the verdict with its steps.

    Exit codes: 0 it holds, or holds by the operator's word; 3 it holds as of a time that the policy calls old;
    1 it does not hold; 2 it cannot be read.
    """
    data = file.read_bytes()
    verdict = _verifier(decode_bundle(data).question["kind"])(data, policy.read_bytes(), int(time.time()))
    if as_json:
        say(json.dumps(verdict.as_dict(), ensure_ascii=False, indent=1, default=_plain))
    else:
        _print(verdict)
    raise typer.Exit(EXIT_CODES[verdict.kind])


def _verifier(question: str) -> Callable[[bytes, bytes, int], Verdict]:
    name = f"verifiers.{question}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise NotFoundError("the verifier", expected="a question that this version answers", got=question) from error
    verifier: Callable[[bytes, bytes, int], Verdict] = module.verify
    return verifier


def _print(verdict: Verdict) -> None:
    say(f"{WORDS[verdict.kind]} · {verdict.status}{_since(verdict)}")
    for step in verdict.steps:
        say(
            f"  {'ok' if step.holds else '!!'} {step.number}. {step.name}"
            + (f": {one_line(step.detail)}" if step.detail else "")
        )
        for word, value in (("expected", step.expected), ("got", step.got)):
            if value is not None:
                say(f"        {word} {one_line(value)}")
    for one in verdict.disclosures:
        shown = f": {one_line(one.get('value'))}" if one["state"] == "shown" else ""
        say(f"  hidden field {one['name']} of record {one['record']}: {one['state']}{shown}")


def _since(verdict: Verdict) -> str:
    """Return what a reader has to know beside a verdict's words: until when it is known, since when it is revoked."""
    said = ""
    if verdict.facts.get("revoked"):
        said += f" on {verdict.facts['revoked']['on']}, last day {verdict.facts['revoked']['last']}"
    if verdict.kind == "as-of" and verdict.as_of_ms is not None:
        said += f" · as of {datetime.fromtimestamp(verdict.as_of_ms / 1000, UTC).isoformat(timespec='minutes')}"
    return said


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
