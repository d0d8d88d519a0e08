"""Where the stories are played: the node, the people with their keys, what they handed in, the answers they keep.

    stage.join(1, [{"actor": "pingtung", "role": "county", "parent": "operator", "name": {"zh-TW": "屏東縣政府"}}])
    stage.enter(1, "farms", [stage.party("pingtung.lin").draft("site", …)])
    stage.wait_for_seal()
    stage.keep(1, Question("product", "LIN-115-1", "/products/…"))

Everything goes through the public interfaces. What is drafted from a source can be handed in again: the log gives its
first answer, so that a demo that was interrupted goes on.
"""

from __future__ import annotations

import hmac
import importlib
import time
from base64 import urlsafe_b64encode
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.signed import sign_request
from contracts.actors import possession_text
from contracts.rewards.book import holder_of
from ledger.checkpoint import decode_checkpoint
from ledger.errors import ConflictError, ProofError, RefusedError, UnavailableError
from ledger.genesis import encode_key
from ledger.note import decode_note
from ledger.record import decode_record
from ledger.signature import SigningKey
from node.client import Draft, Outcome, Party, hand_in
from node.files import write_file
from node.keyfile import protect_key, read_keyfile, write_keyfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from node.demo.timeline import Timeline
    from node.remote import Remote

PASSPHRASE = "fengtu-demo"  # noqa: S105 - the demo's people are made up, and so is what they protect
SEAL_WAIT_S = 90


@dataclass(frozen=True, slots=True)
class Question:
    """What a story's answer is about.

    Attributes:
        kind: `product`, `settlement`, `payment`, `account` or `licence`.
        title: what it is called where answers are listed.
        page: the path of its page; its proof file is the one below, `bundle`.
        reader: who fetches it by signed read, None where anyone may.
    """

    kind: str
    title: str
    page: str
    reader: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page that shows more of a story; `reader` is whose key opens it, None where anyone may."""

    title: str
    page: str
    reader: str | None = None


@dataclass(slots=True)
class Counts:
    """What became of a story's records: by who acted and which kind, how many were there before, what was refused."""

    done: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    repeated: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)


def lent_key(folder: Path, path: str) -> SigningKey:
    """Return a key that the demo's people lend, by its path below the demo's folder, as an answer names it."""
    return read_keyfile(folder / path).open(PASSPHRASE)


class Stage:
    """One node and those who act at it.

    Args:
        remote: the node.
        operator: its operator's actor id.
        key: the operator's key.
        folder: where the demo's people keep their keys, and the answers they fetched.
        say: told what is being done.
        timeline: the days of the stories.

    Attributes:
        remote: the node.
        timeline: the days.
        products: each grower's GTIN, by actor.
        names: what each actor is called in public, by id.
    """

    def __init__(
        self,
        remote: Remote,
        operator: str,
        key: SigningKey,
        folder: Path,
        *,
        say: Callable[[str], None],
        timeline: Timeline,
    ) -> None:
        self.remote = remote
        self.timeline = timeline
        self.say = say
        self.origin = remote.get("/log/vkey").decode().split("+")[0]
        self.products: dict[str, str] = {}
        self.names: dict[str, Mapping[str, str]] = {}
        self._folder = folder
        self._operator = operator
        self._secret = hmac.digest(key.seed, f"fengtu-demo/1\n{self.origin}".encode(), "sha256")
        self._parties = {operator: Party(operator, key, self.origin, timeline.now_s)}
        self._counts: dict[int, Counts] = defaultdict(Counts)
        self._last_index = 0

    def random(self, name: str) -> str:
        """Return 128 bits in hex that nobody else can guess, the same whenever this name is asked for."""
        return hmac.digest(self._secret, f"name\n{name}".encode(), "sha256")[:16].hex()

    def key(self, name: str) -> SigningKey:
        """Return the key of one of the demo's people."""
        return SigningKey.from_seed(hmac.digest(self._secret, f"key\n{name}".encode(), "sha256"))

    def party(self, actor: str) -> Party:
        """Return who acts: an actor, or the holder of an account that `hold` made known."""
        return self._parties[self._operator if actor == "operator" else actor]

    def hold(self, account: str, name: str) -> Party:
        """Return the holder of an account as one who acts, with the key of this name; a later key takes its place."""
        holder = holder_of(account)
        self._parties[holder] = Party(holder, self.key(name), self.origin, self.timeline.now_s)
        return self._parties[holder]

    def possession(self, name: str, actor: str) -> dict[str, str]:
        """Return the members that give an actor, or an account's holder, the key of this name."""
        key = self.key(name)
        proof = key.sign(possession_text(self.origin, actor))
        return {
            "key": encode_key(key.public_key),
            "possession": urlsafe_b64encode(proof).decode().rstrip("="),
        }

    def filled(self, value: Any, begins: int = 0) -> Any:
        """Return a value of a script with `{90}`, `{gtin:pingtung.lin}` and `{random:royalties}` filled in.

        Args:
            value: of the script.
            begins: the day from which the script counts its own.
        """
        if isinstance(value, dict):
            return {name: self.filled(one, begins) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one, begins) for one in value]
        if isinstance(value, str) and value.startswith("{gtin:"):
            return self.products[value[6:-1]]
        if isinstance(value, str) and value.startswith("{random:"):
            return self.random(value[8:-1])
        if isinstance(value, str) and value.startswith("{"):
            return self.timeline.iso(begins + int(value[1:-1]))
        return value

    def join(self, story: int, actors: Iterable[Mapping[str, Any]]) -> None:
        """Let actors be registered by those above them."""
        self.enter(story, "who takes part", [self._registration(one) for one in actors])

    def _registration(self, one: Mapping[str, Any]) -> Draft:
        actor = one["actor"]
        parent = self.party(one["parent"])
        named = {"name": one["name"]} if "name" in one else {}
        body = {"actor": actor, "role": one["role"], "parent": parent.actor, **named, **self.possession(actor, actor)}
        self._parties[actor] = Party(actor, self.key(actor), self.origin, self.timeline.now_s)
        hidden = {name: (value, False) for name, value in one.get("hidden", {}).items()}
        self.names[actor] = one.get("name", {})
        return parent.draft("actor", body, hidden=hidden, source=f"actor/{actor}")

    def enter(self, story: int, what: str, drafts: Iterable[Draft]) -> list[Outcome]:
        """Hand in what people signed, in order.

        Raises:
            ProofError: a record that the story needs was refused.
        """
        counts, outcomes = self._counts[story], hand_in(self.remote, list(drafts))
        for outcome in outcomes:
            # What was signed at another time, in a demo that was interrupted, stays as it is.
            before = outcome.repeated or isinstance(outcome.error, ConflictError)
            if outcome.error is not None and not before:
                raise ProofError(
                    f"the demo's {what}, {outcome.draft.source}: {outcome.error}", expected="a record that is let in"
                ) from outcome.error
            record = decode_record(outcome.draft.statement)
            self._last_index = max(self._last_index, outcome.index or 0)
            counts.done[record.issuer][record.kind] += 1
            counts.repeated += before
        return outcomes

    def expect_refused(self, story: int, what: str, drafts: Sequence[Draft], rule: str) -> None:
        """Hand in what a rule has to keep out, and keep what it said.

        Raises:
            ProofError: it was let in, or kept out by another rule.
        """
        counts, outcomes = self._counts[story], hand_in(self.remote, drafts)
        for outcome in outcomes:
            record = decode_record(outcome.draft.statement)
            counts.done[record.issuer][record.kind] += outcome.error is None
        found = next((one.error for one in outcomes if one.error is not None), None)
        if not isinstance(found, RefusedError) or found.rule != rule:
            raise ProofError(f"the demo's {what}", expected=f"a refusal by {rule}", got=found)
        counts.refused.append({"what": what, "rule": rule, "said": str(found)})

    def forget_past(self) -> None:
        """Let the next wait be for a seal of the present: the last one of the past may be weeks old."""
        self._last_index = max(self._last_index, self._size())

    def wait_for_seal(self) -> None:
        """Wait until what was handed in is under a seal.

        Raises:
            UnavailableError: none came.
        """
        self.say("waiting for the seal")
        deadline = time.monotonic() + SEAL_WAIT_S
        while self._size() <= self._last_index:
            if time.monotonic() > deadline:
                raise UnavailableError("the node's seal", expected=f"one after entry {self._last_index}")
            time.sleep(0.1)

    def _size(self) -> int:
        """Return the size of the newest checkpoint's tree."""
        return decode_checkpoint(decode_note(self.remote.get("/log/checkpoint")).text).size

    def read(self, actor: str, path: str) -> bytes:
        """Return what an actor, or an account's holder, reads by a request that it signs."""
        return self.remote.read(self.party(actor).key, path)

    def send(self, actor: str, path: str, data: bytes, content_type: str) -> bytes:
        """Return the answer to what an actor sends by a request that it signs."""
        headers = {"Content-Type": content_type}
        signed = sign_request(self.party(actor).key, "POST", f"{self.remote.url}{path}", body=data, headers=headers)
        return self.remote.ask("POST", path, body=data, headers=signed).body

    def keep(self, question: Question) -> dict[str, Any]:
        """Fetch a question's proof file as its reader does, keep it, check it, and return what `/demo.json` says of it.

        Raises:
            ProofError: the proof does not hold.
        """
        path = f"{question.page}/bundle"
        data = self.remote.get(path) if question.reader is None else self.read(question.reader, path)
        name = f"{quote(question.page.strip('/').replace('/', '-'), safe='')}.json"
        write_file(self._folder / "bundles" / name, data)
        verifier = importlib.import_module(f"verifiers.{question.kind}")
        verdict = verifier.verify(data, self.remote.get("/log/policy"), int(time.time()))
        if verdict.kind == "fails":
            raise ProofError(f"the proof of {question.title}", expected="one that holds", got=verdict.steps[-1])
        told = {"question": question.kind, "title": question.title, "page": question.page, "bundle": path}
        if question.reader is not None:
            told |= {"bundle": f"/demo/bundles/{name}", "reader": question.reader, "key": self._lend(question.reader)}
        return {**told, "kept": f"bundles/{name}", "verdict": verdict.kind, "status": verdict.status}

    def shown(self, page: Page) -> dict[str, Any]:
        """Return what `/demo.json` says of a page.

        Raises:
            FengtuError: it does not open.
        """
        told = {"title": page.title, "page": page.page}
        if page.reader is None:
            self.remote.get(page.page)
            return told
        self.read(page.reader, page.page)
        return {**told, "reader": page.reader, "key": self._lend(page.reader)}

    def _lend(self, actor: str) -> str:
        """Write an actor's key for whoever tries the demo out; return where, below the demo's folder."""
        party = self.party(actor)
        path = f"keys/{actor.replace('/', '-')}.json"
        if not (self._folder / path).exists():
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_keyfile(self._folder / path, protect_key(party.key, party.actor, PASSPHRASE))
        return path

    def lend(self, actors: Iterable[str]) -> None:
        """Write the keys of actors, for whoever wants to act in their place at the command line."""
        for actor in actors:
            self._lend(actor)

    def counts(self, story: int) -> dict[str, Any]:
        """Return how much of a story was handed in, and who did how much of it."""
        found = self._counts[story]
        people = [
            {"actor": actor, "name": self.names.get(actor, {}), "did": dict(done)} for actor, done in found.done.items()
        ]
        records = sum(sum(done.values()) for done in found.done.values())
        return {"records": records, "repeated": found.repeated, "refused": found.refused, "people": people}
