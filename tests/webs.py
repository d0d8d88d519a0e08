"""A node's web app over the farming world, for tests that ask it over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.testclient import TestClient

from api.app import create_app
from api.catalogue import Catalogue
from api.desk import Desk
from api.docket import Docket
from api.gallery import Gallery
from api.register import Register
from api.services import Entering, Services
from api.sightings import Sightings
from ledger.serving import Serving

if TYPE_CHECKING:
    from farms import Farms


def services_of(farms: Farms, base_url: str = "http://127.0.0.1:8000") -> Services:
    """Return the services of a node over the world; seal and `serving.refresh()` to serve what is new."""
    serving = Serving(farms.log)
    farms.log.seal()
    serving.refresh()
    return Services(
        log=farms.log,
        desk=Desk(farms.log, farms.vault),
        serving=serving,
        vault=farms.vault,
        base_url=base_url,
        wait_s=5,
        policy=farms.policy(),
        catalogue=Catalogue(farms.store, serving),
        docket=Docket(farms.store, serving),
        register=Register(farms.store, serving),
        gallery=Gallery(farms.folder / "images"),
        sightings=Sightings(farms.folder / "sightings.db", b"secret"),
        entering=Entering("operator", farms.keys["operator"]),
        demo=None,
    )


def client_of(farms: Farms) -> TestClient:
    """Return a client of the world's web app, without a server between."""
    app = create_app(services_of(farms))
    return TestClient(app, client=("127.0.0.1", 50000), raise_server_exceptions=False, follow_redirects=False)
