"""Actors and keys by the real rules: who registers whom, whose key it is, and when it is entitled."""

from __future__ import annotations

from typing import Any

import pytest
from rules import (
    DAY_MS,
    GTIN,
    OTHER_GTIN,
    World,
    actor_body,
    digest,
    key_body,
    key_of,
    open_world,
    possession,
    refused,
)

from contracts.actors import KEYS_MAX, MAY_REGISTER, entitled
from contracts.governance import erasure_key
from contracts.keys import hidden_key, key_key
from ledger.errors import FengtuError
from ledger.facts import public_position
from ledger.fold import RULES_KEY
from ledger.genesis import encode_key


@pytest.fixture
def world() -> World:
    """A world with an operator, a county, an association, farmers, a packer and a lab."""
    return open_world()


def intervals(world: World, name: str) -> list[Any]:
    """Return the intervals of a key, first to last."""
    kid = key_of(name).kid
    return [world.get(key_key(kid, number + 1)) for number in range(world.get(key_key(kid))["intervals"])]


def status(world: World, by: str, actor: str, key: str, to: str) -> int:
    """Set a key's status."""
    body = {"actor": actor, "kid": key_of(key).kid.hex(), "status": to, "reason": "遺失"}
    return world.submit(by, "key-status", body)


def test_first_actor_and_its_key_follow_from_the_genesis(world: World) -> None:
    """Without the operator's key as of index 0 nobody could register anybody."""
    assert world.actor("operator")["role"] == "operator"
    [interval] = intervals(world, "operator")
    assert interval == {"from": public_position(0), "until": None, "record": 0}
    assert not entitled([interval], public_position(0))
    assert entitled([interval], public_position(1))


def test_actor_is_registered_with_parent_role_name_and_key(world: World) -> None:
    """An actor's fact is what verdicts show of it."""
    assert world.actor("farm-1") == {
        "role": "farmer", "parent": "fa", "name": {"zh-TW": "名稱 farm-1"}, "state": "active",
        "keys": [key_of("farm-1").kid.hex()],
    }  # fmt: skip


def test_only_the_parent_registers(world: World) -> None:
    """Else a county could put members into an association that never saw them."""
    with refused("actors.parent"):
        world.submit("county", "actor", actor_body("fa", "farm-3", "farmer", key_of("farm-3")))


@pytest.mark.parametrize(
    ("parent", "role"),
    [("fa", "county"), ("fa", "inspector"), ("farm-1", "farmer"), ("lab", "inspector"), ("operator", "operator")],
)
def test_role_above_its_own_is_refused(world: World, parent: str, role: str) -> None:
    """Else an association could make itself an inspector and certify its own members."""
    assert role not in MAY_REGISTER.get(world.actor(parent)["role"], set())
    with refused("actors.role"):
        world.submit(parent, "actor", actor_body(parent, "new", role, key_of("new")))


def test_actor_is_registered_once(world: World) -> None:
    """A second registration would replace an actor's role and keys."""
    with refused("actors.known"):
        world.submit("fa", "actor", actor_body("fa", "farm-1", "packer", key_of("other")))


@pytest.mark.parametrize("name", ["Farm", "-farm", "農", "a" * 65, "a b", "a\n", ""])
def test_actor_ids_are_plain(world: World, name: str) -> None:
    """Two ids that look alike, or that break a header, are two actors to a machine and one to a reader."""
    with refused("rules.schema"):
        world.submit("fa", "actor", actor_body("fa", name, "farmer", key_of("x")))


def test_key_of_another_cannot_be_registered(world: World) -> None:
    """Without possession, one could claim another's public key and with it what that one signed."""
    body = actor_body("fa", "farm-3", "farmer", key_of("farm-3"))
    for wrong in (
        possession(key_of("thief"), "farm-3"),
        possession(key_of("farm-3"), "farm-4"),
        possession(key_of("farm-3"), "farm-3", "other.log"),
    ):
        with refused("actors.possession"):
            world.submit("fa", "actor", {**body, "possession": wrong})
    with refused("actors.key-known"):
        world.submit("fa", "actor", actor_body("fa", "farm-3", "farmer", key_of("farm-1")))


@pytest.mark.parametrize("key", ["_" * 43, encode_key(bytes(32)), encode_key(b"\x01" + bytes(31))])
def test_key_that_is_none_is_refused(world: World, key: str) -> None:
    """A point of small order signs for everybody; text with loose bits is a second name of a key."""
    with pytest.raises(FengtuError) as error:
        world.submit("fa", "actor", {**actor_body("fa", "x", "farmer", key_of("x")), "key": key})
    assert getattr(error.value, "rule", None) in {"actors.key", "actors.possession"}


def test_rotation(world: World) -> None:
    """An actor adds a key by one that it has, revokes the old one, and goes on with the new."""
    world.submit("farm-1", "key", key_body("farm-1", key_of("new")))
    status(world, "farm-1", "farm-1", "farm-1", "revoked")
    with refused("actors.key-revoked"):
        world.submit("farm-1", "event", world.event("L1", "sow"))
    world.submit("farm-1", "event", world.event("L1", "sow"), key=key_of("new"))
    assert len(world.actor("farm-1")["keys"]) == 2


def test_ancestor_adds_a_key_and_a_stranger_does_not(world: World) -> None:
    """Who lost its only key is helped by those above it, and by nobody else."""
    world.submit("county", "key", key_body("farm-1", key_of("new")))
    for stranger in ("farm-2", "lab"):
        with refused("actors.not-yours"):
            world.submit(stranger, "key", key_body("farm-1", key_of("newer")))
    with refused("actors.not-yours"):
        world.submit("farm-1", "key", key_body("fa", key_of("newer")))
    with refused("actors.unknown"):
        world.submit("fa", "key", key_body("nobody", key_of("newer")))


def test_keys_are_bounded(world: World) -> None:
    """An actor's fact must not grow without end."""
    for number in range(KEYS_MAX - 1):
        world.submit("farm-1", "key", key_body("farm-1", key_of(f"k{number}")))
    with refused("actors.keys-max"):
        world.submit("farm-1", "key", key_body("farm-1", key_of("last")))


def test_entitlement_has_an_end_at_the_record_that_ends_it(world: World) -> None:
    """Whether a key was entitled at an index is proved from its intervals alone, also after a suspension."""
    world.submit("farm-1", "key", key_body("farm-1", key_of("k")))
    first = world.size - 1
    suspended = status(world, "fa", "farm-1", "k", "suspended")
    with refused("actors.key-suspended"):
        world.submit("farm-1", "event", world.event("L1", "sow"), key=key_of("k"))
    resumed = status(world, "farm-1", "farm-1", "k", "active")
    world.submit("farm-1", "event", world.event("L1", "sow"), key=key_of("k"))
    again = status(world, "county", "farm-1", "k", "suspended")
    revoked = status(world, "farm-1", "farm-1", "k", "revoked")
    found = intervals(world, "k")
    assert found == [
        {"from": public_position(first), "until": public_position(suspended), "record": first},
        {"from": public_position(resumed), "until": public_position(again), "record": resumed},
    ]
    for index in range(first - 1, revoked + 3):
        expected = first < index <= suspended or resumed < index <= again
        assert entitled(found, public_position(index)) == expected, index


def test_revocation_is_final(world: World) -> None:
    """A thief who holds a second key must not bring back the one that was revoked."""
    world.submit("farm-1", "key", key_body("farm-1", key_of("k")))
    status(world, "fa", "farm-1", "k", "revoked")
    for to in ("active", "suspended", "revoked"):
        with refused("actors.key-revoked"):
            status(world, "fa", "farm-1", "k", to)


def test_status_needs_a_change_a_known_key_and_the_right(world: World) -> None:
    """A status record that changes nothing, names another's key, or comes from a stranger is refused."""
    with refused("actors.key-status"):
        status(world, "fa", "farm-1", "farm-1", "active")
    with refused("actors.key-unknown"):
        status(world, "fa", "farm-1", "farm-2", "revoked")
    with refused("actors.key-unknown"):
        status(world, "fa", "farm-1", "nobody", "revoked")
    with refused("actors.not-yours"):
        status(world, "farm-2", "farm-1", "farm-1", "revoked")


def test_unknown_key_and_key_of_another_actor(world: World) -> None:
    """A record is its issuer's only by a key of the issuer."""
    with refused("actors.key-unknown"):
        world.submit("farm-1", "event", world.event("L1", "sow"), key=key_of("nobody"))
    with refused("log.issuer"):
        world.submit("farm-1", "event", world.event("L1", "sow"), key=key_of("farm-2"))


def test_closed_actor_does_nothing_more(world: World) -> None:
    """Neither by its own key nor by one who enters for it."""
    with refused("actors.not-yours"):
        world.submit("farm-2", "actor-close", {"actor": "farm-1", "reason": "x"})
    world.submit("fa", "actor-close", {"actor": "farm-1", "reason": "退出"})
    with refused("actors.inactive"):
        world.submit("farm-1", "event", world.event("L1", "sow"))
    with refused("actors.inactive"):
        world.submit("fa", "event", world.event("L1", "sow"), entered_for="farm-1")
    with refused("actors.closed"):
        world.submit("fa", "actor-close", {"actor": "farm-1", "reason": "x"})


def test_the_first_actor_stays(world: World) -> None:
    """A log whose first actor has no key is one in which nobody can ever be registered again."""
    with refused("actors.first"):
        world.submit("operator", "actor-close", {"actor": "operator", "reason": "x"})
    for to in ("suspended", "revoked"):
        with refused("actors.first"):
            status(world, "operator", "operator", "operator", to)
    world.submit("operator", "key", key_body("operator", key_of("new")))
    status(world, "operator", "operator", "operator", "revoked")
    world.keys["operator"] = key_of("new")
    with refused("actors.first"):
        status(world, "operator", "operator", "new", "suspended")


def test_entered_for_a_member(world: World) -> None:
    """The lot is the farmer's, and who entered it stays visible."""
    world.submit("fa", "event", world.event("L1", "harvest", 10), entered_for="farm-1")
    assert world.lot("L1")["owner"] == "farm-1"
    act = world.lot("L1", 1)
    assert (act["by"], act["for"]) == ("fa", "farm-1")


@pytest.mark.parametrize(("by", "whom"), [("fa", "lab"), ("farm-1", "farm-2"), ("farm-1", "fa"), ("fa", "nobody")])
def test_entered_for_others_is_refused(world: World, by: str, whom: str) -> None:
    """One speaks for those below oneself only."""
    with refused("actors.entered-for"):
        world.submit(by, "event", world.event("L1", "sow", gtin=OTHER_GTIN), entered_for=whom)


def test_nobody_certifies_in_an_inspectors_name(world: World) -> None:
    """A county that registered a lab must not write the lab's results or certificates."""
    certificate = {"number": "C-1", "scheme": "產銷履歷", "holder": "farm-1", "valid_from": "2026-01-01",
                   "valid_until": "2027-12-31"}  # fmt: skip
    world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    inspection = {"gtin": GTIN, "lot": "L1", "test": "農藥殘留", "result": "passed", "sampled": "2026-09-01"}
    for kind, body in (("certificate", certificate), ("inspection", inspection)):
        with refused("actors.entered-for"):
            world.submit("county", kind, body, entered_for="lab")
        world.submit("lab", kind, body)
    with refused("actors.entered-for"):
        body = {"number": "C-1", "status": "withdrawn", "reason": "x"}
        world.submit("county", "certificate-status", body, entered_for="lab")


def test_kind_schema_and_subject(world: World) -> None:
    """Header and document say the same, in words that the kind knows."""
    body = world.event("L1", "sow")
    with refused("rules.subject"):
        world.submit("farm-1", "event", body, subject="/01/04712345678900/10/L2")
    submission = world.submission("farm-1", "event", body)
    with refused("rules.kind"):
        world.fold.rulebooks[1].is_private("wish")
    assert submission.record.kind == "event"
    site = {"site": "S-2", "name": {"zh-TW": "西田"}, "county": "屏東縣", "township": "萬丹鄉", "area_m2": "4200"}
    with refused("rules.schema") as error:
        world.submit("farm-1", "site", site)
    assert "$.area_m2" in error.value.message
    assert error.value.expected


def test_expiry_and_time_of_signing(world: World) -> None:
    """An expired record is refused from that very second on; one from the future a day ahead."""
    now_s = world.time_ms // 1000
    with refused("rules.expired"):
        world.submit("farm-1", "event", world.event("L1", "sow"), expires_at_s=now_s)
    world.submit("farm-1", "event", world.event("L1", "sow"), expires_at_s=now_s + 1)
    with refused("rules.issued-at"):
        world.submit("farm-1", "event", world.event("L1", "sow"), issued_at_s=now_s + DAY_MS // 1000 + 1)
    world.submit("farm-1", "event", world.event("L1", "sow"), issued_at_s=now_s + DAY_MS // 1000)


def test_hidden_fields(world: World) -> None:
    """A field that may name a person is hidden or not there, under a name that the kind has."""
    with refused("rules.hidden-unknown"):
        world.submit("farm-1", "event", world.event("L1", "sow"), hidden={"colour": digest("a")})
    names = "fengtu:memo fengtu:operation_memos fengtu:farmerName fengtu:LandSecNo fengtu:farmer-name x:Farmer.Name"
    for name in (*names.split(), "https://ns.fengtu.tw/memo", "https://ns.fengtu.tw#memo"):
        with refused("rules.hidden-plain"):
            world.submit("farm-1", "event", world.event("L1", "sow", **{name: "王小明"}))
    nested = world.event("L1", "sow", **{"fengtu:more": {"fengtu:list": [{"fengtu:farmer_name": "王小明"}]}})
    with refused("rules.hidden-plain"):
        world.submit("farm-1", "event", nested)
    index = world.submit("farm-1", "event", world.event("L1", "sow"), hidden={"memo": digest("a")})
    assert world.get(hidden_key(digest("a")))["record"] == index
    with refused("rules.hidden-known"):
        world.submit("farm-1", "event", world.event("L1", "sow"), hidden={"memo": digest("a")})
    with refused("rules.hidden-known"):
        both = {"memo": digest("b"), "farmer_name": digest("b")}
        world.submit("farm-1", "event", world.event("L1", "sow"), hidden=both)


@pytest.mark.parametrize("by", ["farm-1", "fa", "county", "operator"])
def test_erasure(world: World, by: str) -> None:
    """A field is erased by whose it is, who entered it, or one above; once, and with a reason."""
    record = world.submit("fa", "event", world.event("L1", "sow"), entered_for="farm-1", hidden={"memo": digest("a")})
    body = {"digest": digest("a"), "authority": "個資法第 11 條", "reason": "當事人要求"}
    for stranger in ("farm-2", "lab"):
        with refused("erasure.not-yours"):
            world.submit(stranger, "erasure", body)
    with refused("erasure.unknown"):
        world.submit(by, "erasure", {**body, "digest": digest("b")})
    index = world.submit(by, "erasure", body)
    fact = world.get(erasure_key(digest("a")))
    assert (fact["record"], fact["of"], fact["time_ms"]) == (index, record, world.time_ms)
    with refused("erasure.known"):
        world.submit(by, "erasure", body)


def test_a_private_erasure_is_for_private_fields(world: World) -> None:
    """A public record's field is erased in public: were it erased in private, readers would be told it is withheld."""
    world.submit("farm-1", "event", world.event("L1", "sow"), hidden={"memo": digest("a")})
    body = {"digest": digest("a"), "authority": "個資法第 11 條", "reason": "當事人要求"}
    with refused("erasure.private"):
        world.submit("farm-1", "private-erasure", body)


def test_rules_are_the_operators_and_rise(world: World) -> None:
    """A version begins after the record that names it, never before, and never goes back."""
    with refused("rules.operator"):
        world.submit("county", "rules", {"version": 2, "from": world.size + 10})
    with refused("rules.from"):
        world.submit("operator", "rules", {"version": 2, "from": world.size})
    with refused("rules.version"):
        world.submit("operator", "rules", {"version": 1, "from": world.size + 10})
    first = world.size + 10
    world.submit("operator", "rules", {"version": 2, "from": first})
    assert world.get(RULES_KEY) == {"versions": [[1, 0], [2, first]]}
    with refused("rules.from"):
        world.submit("operator", "rules", {"version": 3, "from": first})


def test_ordinary_records_need_one_round(world: World) -> None:
    """What a record names is declared, so that a batch of any size fetches its facts once."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    assert world.rounds == 1
    world.submit("farm-1", "key", key_body("farm-1", key_of("k")))
    assert world.rounds == 1
