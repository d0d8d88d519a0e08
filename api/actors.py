"""Actors and their keys, as the public state has them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.services import Node
from contracts.keys import actor_key, key_prefix
from ledger import cbor
from ledger.errors import NotFoundError
from ledger.facts import PREFIX_BITS, sequence_of
from ledger.genesis import encode_key

router = APIRouter(tags=["actors"])

NAME_MAX = 64


@router.get("/actors/{actor}")
def read_actor(node: Node, actor: str) -> JSONResponse:
    """Return an actor's role, parent and keys; of each key from which entry to which it was entitled."""
    with node.serving.view() as view:
        state = view.fact(actor_key(actor)) if len(actor) <= NAME_MAX else None
        if state is None:
            raise NotFoundError("actor", expected="one that is registered", got=actor[:80])
        keys = []
        for kid in state["keys"]:
            pairs = view.public.items_with_prefix(key_prefix(bytes.fromhex(kid)), PREFIX_BITS)
            facts = {sequence_of(key): cbor.decode(value) for key, value in pairs}
            intervals = [_interval(facts[number]) for number in sorted(facts) if number]
            key_state = facts[0]
            keys.append(
                {
                    "kid": kid,
                    "key": encode_key(key_state["public_key"]),
                    "state": key_state["state"],
                    "intervals": intervals,
                }
            )
        seal_index = view.seal_index
    body: dict[str, Any] = {"actor": actor, **{name: state[name] for name in ("role", "parent", "name", "state")}}
    return JSONResponse({**body, "keys": keys, "seal": seal_index})


def _interval(fact: dict[str, Any]) -> dict[str, Any]:
    """Return an interval with the entries' indexes instead of positions: entitled after `from`, up to `until`."""
    until = fact["until"]
    return {
        "from": int.from_bytes(fact["from"][:8], "big"),
        "until": None if until is None else int.from_bytes(until[:8], "big"),
        "record": fact["record"],
    }
