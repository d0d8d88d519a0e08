"""The log on SQLite and on PostgreSQL: one suite over both."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from counting import counter_key, purse_key
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, open_ledger
from sqlalchemy import event, text

from ledger import cbor
from ledger.admission import SealedDisclosure
from ledger.backup import backup, restore
from ledger.checkpoint import open_checkpoint
from ledger.disclosure import make_disclosure
from ledger.document import decode_document, encode_document
from ledger.errors import (
    ClockError,
    ConflictError,
    CorruptError,
    FormatError,
    NotFoundError,
    ProofError,
    QueueFullError,
    RefusedError,
    SignatureError,
    UnavailableError,
)
from ledger.facts import fact_key
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.genesis import encode_key
from ledger.log import Answer, Log
from ledger.merkle import check_consistency, check_inclusion, leaf_hash, root
from ledger.receipt import check_receipt
from ledger.record import decode_record
from ledger.refusal import open_refusal
from ledger.replay import replay
from ledger.seal import decode_seal
from ledger.signature import SigningKey
from ledger.statemap import check_absence, check_presence
from ledger.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledgers import Ledger

FOLD = Fold(RULEBOOKS, KEYS.replay, ORIGIN)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A log with its genesis and first seal, on each database."""
    ledger = open_ledger(database)
    yield ledger
    close_ledger(ledger)


def test_first_checkpoint_has_size_two(ledger: Ledger) -> None:
    """A tree of size one has no legal receipt, so the genesis and the first seal come together."""
    with ledger.serving().view() as view:
        checkpoint = open_checkpoint(view.checkpoint, ledger.serving().vkey)
        assert (checkpoint.size, checkpoint.origin) == (2, ORIGIN)
        seal = decode_seal(_document(ledger, 1).body)
        assert (seal.since, seal.size, [index for index, _ in seal.times]) == (0, 1, [0])


def test_answer_is_the_index_and_is_durable(ledger: Ledger) -> None:
    """What was answered is there for every other process at once."""
    answer = ledger.submit("count", {"name": "a", "add": 3})
    assert (answer.size, answer.n, answer.repeated, answer.id) == (2, None, False, "2")
    other = open_store(ledger.url)
    assert decode_record(other.entry(2).statement).kind == "count"
    other.close()


def test_same_id_same_content_gives_first_answer(ledger: Ledger) -> None:
    """A client that signs again after a lost answer must not be entered twice."""
    pair = ledger.record("count", {"name": "a", "add": 3}, client_id="once")
    first = ledger.log.submit(*pair).result(30)
    again = ledger.log.submit(*pair).result(30)
    assert (again.size, again.time_ms, again.repeated) == (first.size, first.time_ms, True)
    with pytest.raises(ConflictError, match="another document"):
        ledger.submit("count", {"name": "a", "add": 4}, client_id="once")
    with pytest.raises(ConflictError, match="another kind"):
        ledger.submit("follow", {"name": "a", "add": 3}, client_id="once")
    assert ledger.store.head().size == 3  # type: ignore[union-attr]


def test_same_id_in_one_batch(ledger: Ledger) -> None:
    """Two retries that wait for the same lock are one record."""
    pair = ledger.record("count", {"name": "a", "add": 3}, client_id="once")
    prepared = [ledger.log.prepare(*pair) for _ in range(3)]
    answers = ledger.log.enqueue(prepared).result(30)
    found = [(one.size, one.repeated) for one in answers if isinstance(one, Answer)]
    assert found == [(2, False), (2, True), (2, True)]


def test_refusals_are_signed_and_not_remembered(ledger: Ledger) -> None:
    """A refusal names rule, expected and got under the log's signature; the same id may try again later."""
    pair = ledger.record("count", {"name": "a", "add": -1}, client_id="later")
    with pytest.raises(RefusedError) as caught:
        ledger.log.submit(*pair).result(30)
    refusal = open_refusal(caught.value.signed, KEYS.record.public_key)  # type: ignore[arg-type]
    assert (refusal.rule, refusal.expected, refusal.got, refusal.size) == ("counting.negative", "0 or more", "-1", 2)
    ledger.submit("count", {"name": "a", "add": 5})
    assert ledger.log.submit(*pair).result(30).repeated is False


def test_one_refused_holds_back_no_other(ledger: Ledger) -> None:
    """In a batch each record stands for itself, and later ones see what earlier ones changed."""
    bodies = [{"name": "a", "add": 2}, {"name": "a", "add": -3}, {"name": "a", "add": -2}]
    prepared = [ledger.log.prepare(*ledger.record("count", body)) for body in bodies]
    outcomes = ledger.log.enqueue(prepared).result(30)
    assert [type(one).__name__ for one in outcomes] == ["Answer", "RefusedError", "Answer"]
    assert _fact(ledger, counter_key("a"))["sum"] == 0


def test_a_bug_in_a_rule_takes_nobody_else_down(ledger: Ledger) -> None:
    """The record that a rule fails on is answered with an error; the others of its batch go in."""
    pairs = [ledger.record("count", {"name": "a", "add": add}) for add in (1, "broken", 2)]
    outcomes = ledger.log.enqueue([ledger.log.prepare(*pair) for pair in pairs]).result(30)
    assert [type(one).__name__ for one in outcomes] == ["Answer", "CorruptError", "Answer"]
    assert _fact(ledger, counter_key("a"))["sum"] == 3


def test_a_fact_without_an_encoding_takes_nobody_else_down(ledger: Ledger) -> None:
    """A sum with a fraction cannot be a fact: that is the fault of its own record, not of the others in its batch."""
    pairs = [ledger.record("count", {"name": "a", "add": add}) for add in (1, 0.5, 2)]
    outcomes = ledger.log.enqueue([ledger.log.prepare(*pair) for pair in pairs]).result(30)
    assert [type(one).__name__ for one in outcomes] == ["Answer", "FormatError", "Answer"]
    assert _fact(ledger, counter_key("a"))["sum"] == 3


def test_record_of_another_log_is_refused(ledger: Ledger) -> None:
    """A record signed for one log must not be replayed into another."""
    with pytest.raises(RefusedError, match="another log") as caught:
        ledger.submit("count", {"name": "a"}, audience="log.test/other")
    assert caught.value.rule == "log.audience"


def test_document_must_be_the_one_committed_to(ledger: Ledger) -> None:
    """The log holds commitments: another document under the same record would be unprovable."""
    statement, _ = ledger.record("count", {"name": "a", "add": 1})
    other = encode_document(id="x", body={"name": "a", "add": 1})
    with pytest.raises(RefusedError) as caught:
        ledger.log.submit(statement, other)
    assert caught.value.rule == "log.document-hash"


def test_only_the_log_writes_seals(ledger: Ledger) -> None:
    """An actor who could write a seal could forge the state."""
    for kind in ("seal", "genesis"):
        with pytest.raises(RefusedError) as caught:
            ledger.submit(kind, {"name": "a"})
        assert caught.value.rule == "log.kind"


def test_signatures_and_keys(ledger: Ledger) -> None:
    """A flipped signature, an unknown key and another actor's name are each refused."""
    statement, document = ledger.record("count", {"name": "a", "add": 1})
    flipped = statement[:-1] + bytes([statement[-1] ^ 1])
    with pytest.raises(SignatureError):
        ledger.log.submit(flipped, document)
    stranger = SigningKey.generate()
    with pytest.raises(RefusedError, match="nobody registered"):
        ledger.submit("count", {"name": "a"}, key=stranger)
    with pytest.raises(RefusedError, match="another actor"):
        ledger.submit("count", {"name": "a"}, actor="somebody")


def test_key_registered_in_the_same_batch(ledger: Ledger) -> None:
    """A key counts from the record that registers it, also within one batch; a forged signature does not pass."""
    key = SigningKey.generate()
    register = ledger.record("key", {"actor": "farmer", "key": encode_key(key.public_key)})
    used = ledger.record("count", {"name": "f", "add": 1}, key=key, actor="farmer")
    forged = ledger.record("count", {"name": "f", "add": 9}, key=key, actor="farmer")
    forged = (forged[0][:-1] + bytes([forged[0][-1] ^ 1]), forged[1])
    outcomes = ledger.log.enqueue([ledger.log.prepare(*pair) for pair in (register, used, forged)]).result(30)
    assert [one.size for one in outcomes if isinstance(one, Answer)] == [2, 3]
    assert isinstance(outcomes[2], SignatureError)


def test_rounds_for_dependent_reads(ledger: Ledger) -> None:
    """A read that depends on a fact of the same batch is fetched in a later round."""
    ledger.submit("count", {"name": "far", "add": 7})
    chain = [
        ledger.record("count", {"name": "a", "next": "far"}),
        ledger.record("follow", {"name": "a", "add": 1}),
        ledger.record("count", {"name": "b", "next": "nowhere"}),
        ledger.record("follow", {"name": "b", "add": 1}),
    ]
    outcomes = ledger.log.enqueue([ledger.log.prepare(*pair) for pair in chain]).result(30)
    assert [type(one).__name__ for one in outcomes] == ["Answer"] * 3 + ["RefusedError"]


def test_form_is_judged_by_the_rules_in_force(ledger: Ledger) -> None:
    """What the newest rules refuse goes in while older ones are in force, and is answered again once they are not."""
    large = ledger.record("count", {"name": "a", "add": 5_000})
    assert ledger.log.submit(*large).result(30).repeated is False
    index = ledger.submit("rules", {"version": 2, "from": 4}).size
    assert index == 3
    assert ledger.log.submit(*large).result(30).repeated is True
    with pytest.raises(RefusedError, match="at most 1000"):
        ledger.submit("count", {"name": "a", "add": 5_000})
    assert ledger.submit("count", {"name": "a", "add": 1_000}).size == 4


def test_deep_chain_holds_nobody_back(ledger: Ledger) -> None:
    """A batch whose records depend on one another one by one is still settled, in order."""
    pairs = []
    for i in range(60):
        pairs.append(ledger.record("count", {"name": f"c{i}", "add": 1, "next": f"c{i - 1}" if i else "c0"}))
        pairs.append(ledger.record("follow", {"name": f"c{i}", "add": 1}))
    outcomes = ledger.log.enqueue([ledger.log.prepare(*pair) for pair in pairs]).result(60)
    assert [one.size for one in outcomes if isinstance(one, Answer)] == list(range(2, 122))


def test_seals_follow_their_beat(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second after a public record, on the minute in any case, and never because of private activity."""
    now = [_floor_minute() + 120_000 - 60_000]
    # A clock that stands still falls behind the database's on a slow machine.
    monkeypatch.setattr("ledger.clock.DIFFERENCE_MAX_MS", 600_000)
    base = time.time_ns() // 1_000_000
    now[0] = base
    ledger = open_ledger(database, clock=lambda: now[0])
    try:
        assert ledger.log.seal_if_due() is None
        ledger.submit("count", {"name": "a", "add": 1})
        assert ledger.log.seal_if_due() is None
        now[0] = base + 1_000
        assert ledger.log.seal_if_due() == 3
        assert ledger.log.seal_if_due() is None
        head = ledger.store.head()
        assert head is not None
        ledger.submit("purse", {"name": "p", "add": 1})
        now[0] = base + 1_900
        due = now[0] // 60_000 > head.seal_time_ms // 60_000
        assert (ledger.log.seal_if_due() is not None) == due
    finally:
        close_ledger(ledger)


def _floor_minute() -> int:
    return time.time_ns() // 60_000_000_000 * 60_000


def test_private_records(ledger: Ledger) -> None:
    """A private record leaves nothing in the tree but the salted root of the next seal."""
    first = ledger.submit("purse", {"name": "p", "add": 5})
    second = ledger.submit("purse", {"name": "p", "add": -2})
    assert [(one.size, one.n, one.id) for one in (first, second)] == [(2, 0, "2.0"), (2, 1, "2.1")]
    assert ledger.store.head().size == 2  # type: ignore[union-attr]
    seal_index = ledger.log.seal()
    assert seal_index == 2
    ledger.submit("count", {"name": "a", "add": 1})
    third = ledger.submit("purse", {"name": "p", "add": 1})
    assert (third.size, third.n) == (4, 0)
    with ledger.serving().view() as view:
        assert view.public.get(purse_key("p")) is None
        assert len(view.private) == 3  # the counter and two retries
    bundles = b"".join(entry.statement for entry in ledger.store.entries(0, 10))
    assert b"purse" not in bundles


def test_maps_prove_the_state_of_the_seal(ledger: Ledger) -> None:
    """Presence and absence hold against the root that the seal signs."""
    ledger.submit("count", {"name": "a", "add": 3})
    index = ledger.log.seal()
    ledger.submit("count", {"name": "a", "add": 3})
    with ledger.serving().view() as view:
        seal = decode_seal(_document(ledger, index).body)
        assert view.seal_index == index
        value = view.public.get(counter_key("a"))
        assert value is not None
        assert cbor.decode(value)["sum"] == 3
        check_presence(seal.public_root, counter_key("a"), value, view.public.prove(counter_key("a")))
        check_absence(seal.public_root, counter_key("b"), view.public.prove(counter_key("b")))


def test_inclusion_consistency_and_receipts_at_every_size(ledger: Ledger) -> None:
    """Proofs hold at each size that ends in a seal, across full tiles and the edge."""
    ends = []
    for count in (1, 3, 250, 7, 300):
        pairs = [ledger.record("count", {"name": "a", "add": 1}) for _ in range(count)]
        ledger.log.enqueue([ledger.log.prepare(*pair) for pair in pairs]).result(60)
        ends.append(ledger.log.seal())
    hashes = [leaf_hash(entry.statement) for entry in ledger.store.entries(0, 10_000)]
    serving = ledger.serving()
    with serving.view() as view:
        for index in (0, 1, 2, 255, 256, 257, 511, 512, view.seal_index):
            check_inclusion(hashes[index], index, view.size, view.inclusion(index), view.root)
        for end in ends:
            assert view.root_at(end + 1) == root(hashes[: end + 1])
            check_consistency(end + 1, root(hashes[: end + 1]), view.size, view.root, view.consistency(end + 1))
        with pytest.raises(NotFoundError):
            view.inclusion(view.size)
    for index, receipt in serving.receipts([2, 5, 300, ends[-1]]).items():
        check_receipt(receipt, hashes[index], KEYS.receipt.public_key, ORIGIN)


def test_rules_have_versions(ledger: Ledger) -> None:
    """A rules record activates a version from an index, and judges what stands there and after."""
    ledger.submit("rules", {"version": 2, "from": 4})
    ledger.submit("count", {"name": "a", "add": 1})  # at 3: version 1
    ledger.submit("count", {"name": "a", "add": 1})  # at 4: version 2 counts double
    assert _fact(ledger, counter_key("a"))["sum"] == 3
    index = ledger.log.seal()
    assert decode_seal(_document(ledger, index).body).rules == 2
    replay(ledger.store, FOLD)


def test_expiry_is_held_against_the_batch(ledger: Ledger) -> None:
    """A record that moves value does not go through after its time."""
    with pytest.raises(RefusedError, match="too late"):
        ledger.submit("count", {"name": "a", "add": 1}, expires_at_s=int(time.time()) - 1)


def test_times_never_fall(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps back a little gives the last time again; the seals say the same."""
    # A clock that stands still falls behind the database's on a slow machine.
    monkeypatch.setattr("ledger.clock.DIFFERENCE_MAX_MS", 600_000)
    base = time.time_ns() // 1_000_000
    now = [base]
    ledger = open_ledger(database, clock=lambda: now[0])
    try:
        first = ledger.submit("count", {"name": "a", "add": 1})
        now[0] = base - 1_500
        second = ledger.submit("count", {"name": "a", "add": 1})
        assert second.time_ms == first.time_ms
        now[0] = base + 100
        ledger.log.seal()
        replay(ledger.store, FOLD)
    finally:
        close_ledger(ledger)


@pytest.mark.parametrize("jump_ms", [-3_600_000, -3_000, 3_000, 86_400_000])
def test_a_clock_that_jumped_stops_the_appender(database: str, jump_ms: int) -> None:
    """Records under a wrong time would expire or outlive others; the log waits for the clock instead."""
    jump = [0]
    ledger = open_ledger(database, clock=lambda: time.time_ns() // 1_000_000 + jump[0])
    try:
        jump[0] = jump_ms
        pair = ledger.record("count", {"name": "a", "add": 1})
        with pytest.raises(ClockError, match="set the clock"):
            ledger.log.submit(*pair).result(30)
        jump[0] = 0
        assert ledger.log.submit(*pair).result(30).repeated is False
    finally:
        close_ledger(ledger)


def test_full_queue_refuses_and_forgets_nothing(database: str) -> None:
    """Beyond the bound a submit is turned away at once; what was taken is answered."""
    ledger = open_ledger(database, queue_max=5)
    try:
        pairs = [ledger.record("count", {"name": "a", "add": 1}) for _ in range(9)]
        prepared = [ledger.log.prepare(*pair) for pair in pairs]
        with ledger.store.append():  # the lock is held elsewhere, so nothing drains
            taken = ledger.log.enqueue(prepared[:5])
            # The appender may have taken a first batch of one before it met the lock.
            with pytest.raises(QueueFullError, match="at most 5"):
                ledger.log.enqueue(prepared[3:])
        assert [one.size for one in taken.result(30) if isinstance(one, Answer)] == list(range(2, 7))
    finally:
        close_ledger(ledger)


def test_closed_log_takes_nothing(ledger: Ledger) -> None:
    """A record given to a process that will not append must not look taken."""
    prepared = ledger.log.prepare(*ledger.record("count", {"name": "a"}))
    ledger.log.close()
    with pytest.raises(UnavailableError):
        ledger.log.enqueue([prepared])


def test_statements_do_not_grow_with_the_batch(ledger: Ledger) -> None:
    """A batch of 1,000 costs the database as many statements as a batch of 10."""
    counts = []
    statements: list[str] = []

    @event.listens_for(ledger.store.engine, "before_cursor_execute")
    def _count(_c: object, _cur: object, statement: str, *_: object) -> None:
        statements.append(statement)

    for size in (500, 10, 1_000):  # the first one warms up, so that both others meet the same state
        pairs = [ledger.record("count", {"name": f"c{i}", "add": 1}) for i in range(size)]
        prepared = [ledger.log.prepare(*pair) for pair in pairs]
        statements.clear()
        ledger.log.enqueue(prepared).result(60)
        # A tile is written each 256 records, by one statement however many there are.
        counts.append(len([one for one in statements if '"tiles"' not in one]))
    assert counts[1] == counts[2]


def test_other_processes_and_fsck(ledger: Ledger) -> None:
    """Two logs over one database take turns; everything stored recomputes."""
    other = open_ledger(ledger.url, create=False)
    other.numbers = iter(range(10_000, 20_000))
    try:
        threads = [
            threading.Thread(target=lambda one=one: [one.submit("count", {"name": "a", "add": 1}) for _ in range(20)])
            for one in (ledger, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.log.seal()
        ledger.submit("purse", {"name": "p", "add": 1})
        ledger.log.seal()
        ledger.submit("purse", {"name": "p", "add": 1})
    finally:
        close_ledger(other)
    assert _fact(ledger, counter_key("a"))["sum"] == 40
    report = fsck(ledger.store, FOLD)
    assert (report.entries, report.private_records, report.seals) == (44, 2, 3)
    replay(ledger.store, FOLD, public_only=True)


def test_fsck_of_a_log_that_goes_on(ledger: Ledger) -> None:
    """An operator checks a running node: what is appended meanwhile is neither missing nor one too many."""
    for _ in range(3):
        ledger.submit("count", {"name": "a", "add": 1})
    ledger.log.seal()
    done: list[int] = []

    def meanwhile(entries: int, _: int) -> None:
        done.append(entries)
        for kind in ("count", "purse"):
            ledger.submit(kind, {"name": "a", "add": 1})
        ledger.log.seal()

    report = fsck(ledger.store, FOLD, progress=meanwhile)
    assert (report.entries, report.private_records, report.seals) == (6, 0, 2)
    before = len(done)
    assert replay(ledger.store, FOLD, progress=meanwhile).head.size == 6 + 2 * before
    assert fsck(ledger.store, FOLD).private_records == len(done)


def test_backup_of_a_log_that_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    """A backup of a running node restores: a hidden text of a record that came later is not in it."""
    for _ in range(3):
        ledger.submit("count", {"name": "a", "add": 1})
    ledger.log.seal()

    def meanwhile(*_: int) -> None:
        memo = make_disclosure("memo", "雨後")
        pair = ledger.record("count", {"name": "a", "add": 1}, hidden={"memo": memo.digest})
        ledger.log.submit(*pair, [SealedDisclosure(memo.digest, "memo", public=True, ciphertext=b"?")]).result(30)

    file = tmp_path / "ledger.backup"
    assert backup(ledger.store, ORIGIN, file, progress=meanwhile) == 6
    second = open_store(f"sqlite:///{tmp_path}/second.db")
    restore(file, second, FOLD)
    assert second.beside()["disclosures"] == []
    second.close()


def test_a_private_condition_only_keeps_a_record_out(ledger: Ledger) -> None:
    """A public record that rests on a private fact is refused without it, and once in it replays without it."""
    with pytest.raises(RefusedError, match="the purse holds less"):
        ledger.submit("backed", {"name": "p", "add": 5})
    ledger.submit("purse", {"name": "p", "add": 5})
    ledger.submit("backed", {"name": "p", "add": 5})
    ledger.log.seal()
    replay(ledger.store, FOLD)
    replay(ledger.store, FOLD, public_only=True)
    assert _fact(ledger, counter_key("p"))["sum"] == 5


DAMAGES = {
    "document": 'UPDATE documents SET data = hash WHERE hash = (SELECT document_hash FROM entries WHERE "index" = 2)',
    "no document": 'DELETE FROM documents WHERE hash = (SELECT document_hash FROM entries WHERE "index" = 2)',
    "statement": 'UPDATE entries SET statement = (SELECT statement FROM entries WHERE "index" = 3) WHERE "index" = 2',
    "entry": 'DELETE FROM entries WHERE "index" = 2',
    "time": 'UPDATE entries SET time_ms = time_ms + 1 WHERE "index" = 2',
    "fact": "UPDATE changes SET facts = (SELECT facts FROM changes ORDER BY position DESC LIMIT 1)"
    " WHERE position = (SELECT MIN(position) FROM changes)",
    "no fact": "DELETE FROM changes WHERE position = (SELECT MAX(position) FROM changes)",
    "no place": "DELETE FROM places WHERE prefix = (SELECT MIN(prefix) FROM places)",
    "another place": "UPDATE places SET sequence = sequence + 7 WHERE prefix = (SELECT MAX(prefix) FROM places)",
    "tile": "UPDATE tiles SET hashes = (SELECT statement FROM entries LIMIT 1)",
    "no tile": "DELETE FROM tiles",
    "seal": "UPDATE seals SET root = (SELECT edge FROM head)",
    "head": "UPDATE head SET time_ms = time_ms + 1",
    "private": "UPDATE private_records SET time_ms = time_ms + 1",
    "no private": "DELETE FROM private_records WHERE n = 0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_fsck_names_each_damage(ledger: Ledger, damage: str) -> None:
    """Whatever is altered behind the log's back is found, and the message says where."""
    pairs = [ledger.record("count", {"name": "a", "add": 1}) for _ in range(260)]
    pairs += [ledger.record("purse", {"name": "p", "add": 1}) for _ in range(3)]
    ledger.log.enqueue([ledger.log.prepare(*pair) for pair in pairs]).result(60)
    ledger.log.seal()
    fsck(ledger.store, FOLD)
    with ledger.store.engine.connect() as connection, connection.begin():
        assert connection.execute(text(DAMAGES[damage])).rowcount > 0
    with pytest.raises((ProofError, CorruptError, FormatError)) as caught:
        fsck(ledger.store, FOLD)
    assert len(str(caught.value)) > 20


def test_backup_and_restore_into_the_other_database(ledger: Ledger, tmp_path: Path) -> None:
    """A second database that replays the records has the same seals, tail included; a file cut short is refused."""
    for kind in ("count", "purse", "count"):
        ledger.submit(kind, {"name": "a", "add": 2})
    ledger.log.seal()
    ledger.submit("purse", {"name": "a", "add": 2})
    file = tmp_path / "ledger.backup"
    assert backup(ledger.store, ORIGIN, file) == 5
    second = open_store(f"sqlite:///{tmp_path}/second.db")
    restore(file, second, FOLD)
    assert second.seals(0, 99) == ledger.store.seals(0, 99)
    assert second.head() == ledger.store.head()
    fsck(second, FOLD)
    with pytest.raises(CorruptError, match="already"):
        restore(file, second, FOLD)
    second.close()
    data = file.read_bytes()
    for name, broken in (("cut", data[:-20]), ("flipped", data[:400] + bytes([data[400] ^ 1]) + data[401:])):
        damaged = tmp_path / name
        damaged.write_bytes(broken)
        third = open_store(f"sqlite:///{tmp_path}/{name}.db")
        with pytest.raises((FormatError, ProofError, CorruptError)):
            restore(damaged, third, FOLD)
        assert third.head() is None
        third.close()


def test_disclosures_must_be_committed_to(ledger: Ledger) -> None:
    """A text that no document commits to would make fsck fail for ever, or stand in for another record's."""
    statement, document = ledger.record("count", {"name": "a", "add": 1})
    stray = SealedDisclosure("x" * 43, "memo", public=True, ciphertext=b"?")
    with pytest.raises(FormatError, match="memo"):
        ledger.log.submit(statement, document, [stray])


def test_a_log_is_created_once(ledger: Ledger) -> None:
    """A second genesis would be a second history."""
    with pytest.raises(CorruptError, match="already"):
        Log(ledger.store, RULEBOOKS, KEYS, ORIGIN).create({})


def test_sqlite_is_durable_and_waits(tmp_path: Path) -> None:
    """WAL with a sync at each commit; another writer waits instead of failing."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with ledger.store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    blocker = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    future = ledger.log.submit(*ledger.record("count", {"name": "a", "add": 1}))
    time.sleep(0.3)
    assert not future.done()
    blocker.execute("COMMIT")
    blocker.close()
    assert future.result(30).size == 2
    close_ledger(ledger)


def _fact(ledger: Ledger, key: bytes) -> dict[str, int]:
    data = ledger.store.latest([key])[key]
    assert data is not None
    value = cbor.decode(data)
    assert isinstance(value, dict)
    return value


def _document(ledger: Ledger, index: int) -> object:
    hash_ = ledger.store.entry(index).document_hash
    return decode_document(ledger.store.documents([hash_])[hash_])


def test_keys_of_facts_do_not_cover_one_another() -> None:
    """`a` beside `ab`, and parts that concatenate to the same text, have keys of their own."""
    assert len({fact_key(1, parts) for parts in (["a", "b"], ["ab"], ["", "ab"], ["ab", ""], ["a"])}) == 5


def test_serving_moves_by_what_the_sealer_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read for a seal is not read again to serve it; and only for that seal, from where the maps stand."""
    serving = ledger.serving()
    for number in range(3):
        ledger.submit("count", {"name": f"n{number}", "add": 1})
        ledger.submit("purse", {"name": f"p{number}", "add": 1})
        ledger.log.seal()
        with monkeypatch.context() as patch:
            if number:
                patch.setattr(Store, "facts_between", lambda *_: pytest.fail("read again"))
            serving.refresh()
    fresh = ledger.serving()
    with serving.view() as moved, fresh.view() as read:
        assert moved.public.root() == read.public.root()
        assert moved.private.root() == read.private.root()
        index, root = moved.seal_index, moved.root
    assert ledger.log.step_to(index, root, b"") is None
    assert ledger.log.step_to(index, bytes(32), b"") is None
    assert ledger.log.step_to(index + 1, root, b"") is None
