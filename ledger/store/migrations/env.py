"""Alembic's environment: it migrates over the connection that `ledger.store.migrate` hands it."""

from alembic import context
from sqlmodel import SQLModel

import ledger.store.tables  # noqa: F401 - registers the tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
