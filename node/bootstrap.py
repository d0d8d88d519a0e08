"""The composition root: the one place where settings, database, keys and rules meet. Nothing connects at import.

ledger = open_ledger(settings)       # what a command needs
node = open_node(settings)           # what `fengtu run` needs: node.app serves, node.start() and node.close() frame it
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from api.app import create_app
from api.catalogue import Catalogue
from api.desk import Desk
from api.docket import Docket
from api.gallery import Gallery
from api.register import Register
from api.services import Entering, Services
from api.sightings import Sightings
from contracts.rulebook import rulebooks
from ledger import policy
from ledger.blind import ReplaySecret
from ledger.document import decode_document
from ledger.errors import CorruptError, NotFoundError
from ledger.fold import Fold
from ledger.genesis import Genesis, decode_genesis, encode_genesis, encode_key
from ledger.keys import LogKeys
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import ED25519, VerifierKey
from ledger.serving import Serving
from ledger.signature import SigningKey
from ledger.store import Store, open_store
from ledger.store.vault import Vault
from node.beat import Beat
from node.demo.stage import lent_key
from node.erasing import Erasures
from node.files import SECRET, write_file
from node.keyfile import KeyFile, passphrase_of, protect_key, read_keyfile, write_keyfile
from node.publish import publish
from node.settings import FILE_NAME, Settings, write_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from typing import Any

    from fastapi import FastAPI

OPERATOR_KEY = "operator"
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger that is open in this process; nothing runs in it yet."""

    settings: Settings
    store: Store
    log: Log

    @property
    def vkey(self) -> VerifierKey:
        """The log's verifier key."""
        return VerifierKey.of(self.log.origin, ED25519, self.log.keys.checkpoint.public_key)

    def policy(self) -> bytes:
        """Return the JSON policy that this log recommends: its own word alone, as no witness is set."""
        tlog = policy.TlogPolicy((policy.Log(self.vkey, f"{self.settings.address}/log"),), (), (), policy.NONE)
        genesis = leaf_hash(self.store.entry(0).statement)
        return policy.encode_policy(policy.Policy(tlog, genesis, self.settings.max_age_s))

    def open_vault(self) -> Vault:
        """Open the keys of hidden fields."""
        return Vault(self.settings.vault)

    def close(self) -> None:
        """Close the connections."""
        self.store.close()


@dataclass(frozen=True, slots=True)
class Node:
    """A node in this process: the web app, and what runs beside it."""

    ledger: Ledger
    serving: Serving
    vault: Vault
    beat: Beat
    app: FastAPI

    def start(self) -> None:
        """Begin to append, serve the newest seal, begin to beat."""
        self.ledger.log.start()
        self.serving.refresh()
        self.beat.start()

    def close(self) -> None:
        """Append what waits, then end all of it."""
        self.beat.close()
        self.ledger.log.close()
        self.vault.close()
        self.ledger.close()


def has_ledger(settings: Settings) -> bool:
    """Say whether there is a log in the settings' database.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    store = _open_tables(settings)
    try:
        return store.head() is not None
    finally:
        store.close()


def create_ledger(
    settings: Settings,
    passphrase: Callable[[], str],
    *,
    name: str | None = None,
    flags: Mapping[str, Any] | None = None,
    recovery: Sequence[bytes] = (),
    recovery_threshold: int = 0,
    behind_ms: int = 0,
) -> VerifierKey:
    """Make a data folder and write the genesis and the first seal; return the log's verifier key.

    Keys and settings that are there already stay, so that what was cut short can be run again.

    Args:
        settings: where, and who.
        passphrase: gives the one for the operator's key; not called where that key is there.
        name: the operator's name in 繁體中文; the actor id where none is given.
        flags: what the settings' file keeps besides origin and actor.
        recovery: public keys that may together replace the log's own.
        recovery_threshold: how many of them it takes.
        behind_ms: how long ago the ledger begins; 0 but for the demo.

    Raises:
        CorruptError: this database has a log already.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    if settings.log_keys.exists():
        keys = LogKeys.decode(settings.log_keys.read_bytes())
    else:
        keys = LogKeys.generate()
        write_file(settings.log_keys, keys.encode(), SECRET)
    operator = _operator_key(settings, passphrase)
    if not (settings.data / FILE_NAME).exists():
        write_settings(settings, flags or {})
    vkey = VerifierKey.of(settings.origin, ED25519, keys.checkpoint.public_key)
    genesis = Genesis(
        origin=settings.origin,
        checkpoint_key=vkey,
        receipt_key=keys.receipt.public_key,
        record_key=keys.record.public_key,
        recovery_threshold=recovery_threshold,
        recovery_keys=tuple(recovery),
        actor={
            "actor": operator.actor,
            "role": "operator",
            "name": {"zh-TW": name or operator.actor},
            "key": encode_key(operator.public_key),
        },
        rules=min(rulebooks()),
    )
    body = encode_genesis(genesis)
    decode_genesis(body)
    store = _open_tables(settings)
    try:
        log = _log(settings, store, keys)
        log.clock.behind_ms = behind_ms
        log.create(body)
    finally:
        store.close()
    return vkey


def _operator_key(settings: Settings, passphrase: Callable[[], str]) -> KeyFile:
    path = settings.keys / f"{OPERATOR_KEY}.json"
    if path.exists():
        return read_keyfile(path)
    file = protect_key(SigningKey.generate(), settings.actor, passphrase())
    write_keyfile(path, file)
    return file


def open_ledger(settings: Settings, *, empty: bool = False) -> Ledger:
    """Open a ledger.

    Args:
        settings: where.
        empty: whether the database is to have no log yet, for a restore.

    Raises:
        NotFoundError: there is no log, or its keys are not here.
        CorruptError: the keys or the origin are another log's.
    """
    if not settings.log_keys.exists():
        raise NotFoundError(
            "the log's keys", expected=f"{settings.log_keys}, made by `fengtu init`", got="no such file"
        )
    keys = LogKeys.decode(settings.log_keys.read_bytes())
    store = _open_tables(settings)
    try:
        if not empty:
            _check_genesis(store, settings, keys)
        return Ledger(settings, store, _log(settings, store, keys))
    except BaseException:
        store.close()
        raise


@contextmanager
def open_for_replay(settings: Settings, *, public_only: bool) -> Iterator[tuple[Store, Fold]]:
    """Hold the tables open with the rules that fold them again.

    Args:
        settings: where.
        public_only: whether public records alone are folded: that takes none of the log's keys.

    Raises:
        NotFoundError: there is no log, or its keys are needed and not here.
    """
    if not public_only:
        ledger = open_ledger(settings)
        try:
            yield ledger.store, ledger.log.fold
        finally:
            ledger.close()
        return
    # SQLite would make the file that is asked for.
    path = _sqlite_path(settings)
    if path is not None and not path.exists():
        raise NotFoundError("the ledger", expected="a database that `fengtu init` made", got=f"nothing at {path}")
    store = open_store(settings.database)
    try:
        # Nothing private is folded, so the secret blinds nothing.
        yield store, Fold(rulebooks(), ReplaySecret(bytes(32)), _genesis(store).origin)
    finally:
        store.close()


def open_node(settings: Settings) -> Node:
    """Open a ledger with all that serves it; `start` and `close` are called by the app's lifespan.

    Args:
        settings: where.

    Raises:
        NotFoundError: there is no log, or its keys are not here.
        CorruptError: the keys or the origin are another log's.
    """
    ledger = open_ledger(settings)
    serving = Serving(ledger.log)
    vault = ledger.open_vault()
    sightings = Sightings(settings.sightings, ledger.log.keys.replay.identifier("sightings", settings.origin))
    services = Services(
        log=ledger.log,
        desk=Desk(ledger.log, vault),
        serving=serving,
        vault=vault,
        base_url=settings.address,
        wait_s=settings.wait_s,
        policy=ledger.policy(),
        catalogue=Catalogue(ledger.store, serving),
        docket=Docket(ledger.store, serving),
        register=Register(ledger.store, serving),
        gallery=Gallery(settings.images),
        sightings=sightings,
        entering=_entering(settings),
        demo=settings.demo,
        lent=partial(lent_key, settings.demo),
        metrics_token=settings.metrics_token,
    )

    def forget(now_s: int) -> None:
        sightings.forget(now_s)
        services.gallery.forget(now_s, services.register.names_image)

    publishing = partial(publish, ledger.store, serving, settings.public) if settings.publish_every_s > 0 else None
    erasures = Erasures(ledger.store, vault, serving)
    beat = Beat(ledger.log, serving, erasures.catch_up, publishing, settings.publish_every_s, forget=forget)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        node.start()
        try:
            yield
        finally:
            node.close()

    node = Node(ledger, serving, vault, beat, create_app(services, lifespan))
    return node


def _entering(settings: Settings) -> Entering | None:
    """Return the operator with its key, where the passphrase is at hand: a node asks nobody at its start."""
    path = settings.keys / f"{OPERATOR_KEY}.json"

    def nobody() -> str:
        return ""

    passphrase = passphrase_of(settings.keys, nobody)
    if not passphrase or not path.exists():
        return None
    file = read_keyfile(path)
    return Entering(file.actor, file.open(passphrase))


def _sqlite_path(settings: Settings) -> Path | None:
    return Path(settings.database.removeprefix(SQLITE)) if settings.database.startswith(SQLITE) else None


def _open_tables(settings: Settings) -> Store:
    path = _sqlite_path(settings)
    if path is not None:
        # Private records are in it. SQLite gives its other files the permissions of this one.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(SECRET, exist_ok=True)
    return open_store(settings.database)


def _log(settings: Settings, store: Store, keys: LogKeys) -> Log:
    return Log(
        store, rulebooks(), keys, settings.origin, queue_max=settings.queue_max, seal_after_ms=settings.seal_after_ms
    )


def _genesis(store: Store) -> Genesis:
    if store.head() is None:
        raise NotFoundError("the ledger", expected="a log that `fengtu init` made", got="an empty database")
    hash_ = store.entry(0).document_hash
    data = store.documents([hash_]).get(hash_)
    if data is None:
        raise CorruptError("the genesis document is missing", expected=hash_.hex())
    return decode_genesis(decode_document(data).body)


def _check_genesis(store: Store, settings: Settings, keys: LogKeys) -> None:
    """Hold settings and keys against entry 0: under other ones this process would write what nobody can verify."""
    genesis = _genesis(store)
    if genesis.origin != settings.origin:
        raise CorruptError("the setting origin is another log's", expected=genesis.origin, got=settings.origin)
    ours = (keys.checkpoint.public_key, keys.receipt.public_key, keys.record.public_key)
    if ours != (genesis.checkpoint_key.public_key, genesis.receipt_key, genesis.record_key):
        raise CorruptError(
            f"the keys in {settings.log_keys} are another log's",
            expected=genesis.checkpoint_key.encode(),
            got=VerifierKey.of(settings.origin, ED25519, keys.checkpoint.public_key).encode(),
        )
