"""Changes of a record in one row, and their places; before, each change was a row with an index over whole keys."""

import struct
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from alembic import op

from ledger import cbor
from ledger.facts import is_private

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LONG = sa.BigInteger()
BYTES = sa.LargeBinary()
RECORDS = 1_000
PLACE = struct.Struct(">q25xq")

facts = sa.table(
    "facts", sa.column("key", BYTES), sa.column("position", BYTES), sa.column("value", BYTES),
    sa.column("private", sa.Boolean()), sa.column("holder", sa.String()),
)  # fmt: skip
changes = sa.table("changes", sa.column("position", BYTES), sa.column("facts", BYTES))
places = sa.table(
    "places", sa.column("prefix", LONG), sa.column("sequence", LONG), sa.column("position", BYTES)
)  # fmt: skip


def upgrade() -> None:
    """Gather the changes of each record."""
    op.create_table(
        "changes", sa.Column("position", BYTES, primary_key=True), sa.Column("facts", BYTES, nullable=False)
    )
    op.create_table(
        "places",
        sa.Column("prefix", LONG, primary_key=True, autoincrement=False),
        sa.Column("sequence", LONG, primary_key=True, autoincrement=False),
        sa.Column("position", BYTES, primary_key=True),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for positions in _parts(connection, facts):
        query = sa.select(facts).where(facts.c.position.in_(positions)).order_by(facts.c.position, facts.c.key)
        for position, group in groupby(connection.execute(query).all(), lambda row: bytes(row.position)):
            rows = list(group)
            data = [[bytes(one.key), bytes(one.value), *([one.holder] if one.holder else [])] for one in rows]
            connection.execute(sa.insert(changes).values(position=position, facts=cbor.encode(data)))
            found = {PLACE.unpack(bytes(one.key)) for one in rows}
            connection.execute(
                sa.insert(places), [{"prefix": one, "sequence": n, "position": position} for one, n in sorted(found)]
            )
    op.drop_table("facts")


def downgrade() -> None:
    """Give each change its row again."""
    op.create_table(
        "facts",
        sa.Column("key", BYTES, primary_key=True),
        sa.Column("position", BYTES, primary_key=True),
        sa.Column("value", BYTES, nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
    )
    op.create_index("facts_by_position", "facts", ["position"])
    connection = op.get_bind()
    for positions in _parts(connection, changes):
        for row in connection.execute(sa.select(changes).where(changes.c.position.in_(positions))).all():
            position = bytes(row.position)
            connection.execute(
                sa.insert(facts),
                [
                    {"key": key, "position": position, "value": value, "private": is_private(position),
                     "holder": holder[0] if holder else None}
                    for key, value, *holder in cbor.decode(bytes(row.facts))
                ],
            )  # fmt: skip
    op.drop_table("changes")
    op.drop_table("places")


def _parts(connection: sa.Connection, table: sa.TableClause) -> Iterator[list[bytes]]:
    """Yield the positions of a table, many at a time."""
    last = b""
    while True:
        query = sa.select(table.c.position).where(table.c.position > last).distinct().order_by(table.c.position)
        positions = [bytes(one) for one in connection.execute(query.limit(RECORDS)).scalars()]
        if not positions:
            return
        yield positions
        last = positions[-1]
