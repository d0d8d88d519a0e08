"""Bringing the tables up to date, by Alembic, from the first table on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.store.dialect import WRITES

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Any number; it only has to be the same in every process that migrates one PostgreSQL database.
ADVISORY_LOCK = 0x66656E67


def upgrade(engine: Engine) -> None:
    """Run the migrations that are due. Several processes may start at once: one runs them, the others wait."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection, connection.begin():
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
