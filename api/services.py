"""What the routes are handed: one object, made in `node.bootstrap`, and the one way to get at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.catalogue import Catalogue
    from api.desk import Desk
    from api.docket import Docket
    from api.gallery import Gallery
    from api.register import Register
    from api.sightings import Sightings
    from ledger.log import Log
    from ledger.serving import Serving
    from ledger.signature import SigningKey
    from ledger.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Entering:
    """Who enters records for those whose signed requests are no records: the operator, with its key."""

    actor: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running node.

    Attributes:
        log: appends.
        desk: where submissions come together.
        serving: what is read, as of the newest complete seal.
        vault: the texts behind hidden fields.
        base_url: how others reach this node, without a slash at the end.
        wait_s: how long a request may wait for a seal, in seconds.
        policy: the JSON policy that this log recommends.
        catalogue: which lots there are.
        docket: which agreements there are, and whom they concern.
        register: which works and licences there are.
        gallery: the images of works.
        sightings: where serials were seen in the last day.
        entering: who signs for requests that are no records; None where its key is not opened.
        demo: the folder of the demo's answers, None where this node has none.
        lent: opens a key that the demo's people lend, by its path below that folder; None where there are none.
        metrics_token: opens `/metrics` to other machines; empty where none does.
    """

    log: Log
    desk: Desk
    serving: Serving
    vault: Vault
    base_url: str
    wait_s: float
    policy: bytes
    catalogue: Catalogue
    docket: Docket
    register: Register
    gallery: Gallery
    sightings: Sightings
    entering: Entering | None
    demo: Path | None
    lent: Callable[[str], SigningKey] | None = None
    metrics_token: str = ""


async def services(request: Request) -> Services:
    """Return the node's parts for a request."""
    return cast("Services", request.app.state.services)


Node = Annotated[Services, Depends(services)]
