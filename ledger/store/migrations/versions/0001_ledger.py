"""The ledger's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LONG = sa.BigInteger()
BYTES = sa.LargeBinary()


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("size", LONG, nullable=False),
        sa.Column("edge", BYTES, nullable=False),
        sa.Column("time_ms", LONG, nullable=False),
        sa.Column("seal_index", LONG, nullable=False),
        sa.Column("seal_time_ms", LONG, nullable=False),
        sa.Column("unsealed_since_ms", LONG, nullable=True),
        sa.Column("private_count", LONG, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("index", LONG, primary_key=True, autoincrement=False),
        sa.Column("statement", BYTES, nullable=False),
        sa.Column("document_hash", BYTES, nullable=False),
        sa.Column("time_ms", LONG, nullable=False),
        sa.Column("is_seal", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "private_records",
        sa.Column("size", LONG, primary_key=True, autoincrement=False),
        sa.Column("n", LONG, primary_key=True, autoincrement=False),
        sa.Column("statement", BYTES, nullable=False),
        sa.Column("document_hash", BYTES, nullable=False),
        sa.Column("time_ms", LONG, nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("hash", BYTES, primary_key=True),
        sa.Column("data", BYTES, nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("key", BYTES, primary_key=True),
        sa.Column("position", BYTES, primary_key=True),
        sa.Column("value", BYTES, nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
    )
    op.create_index("facts_by_position", "facts", ["position"])
    op.create_table(
        "tiles",
        sa.Column("level", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("n", LONG, primary_key=True, autoincrement=False),
        sa.Column("hashes", BYTES, nullable=False),
    )
    op.create_table(
        "seals",
        sa.Column("index", LONG, primary_key=True, autoincrement=False),
        sa.Column("root", BYTES, nullable=False),
        sa.Column("time_ms", LONG, nullable=False),
    )
    op.create_table(
        "cosignatures",
        sa.Column("size", LONG, primary_key=True, autoincrement=False),
        sa.Column("key_name", sa.String(), primary_key=True),
        sa.Column("line", sa.String(), nullable=False),
    )
    op.create_table(
        "disclosures",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("position", BYTES, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("ciphertext", BYTES, nullable=False),
    )
    op.create_index("ix_disclosures_position", "disclosures", ["position"])
    op.create_table(
        "evidence",
        sa.Column("hash", BYTES, primary_key=True),
        sa.Column("data", BYTES, nullable=False),
    )
    op.create_table(
        "captures",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("job", BYTES, nullable=False),
    )
    op.create_table(
        "pending_documents",
        sa.Column("hash", BYTES, primary_key=True),
        sa.Column("data", BYTES, nullable=False),
        sa.Column("time_ms", LONG, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "captures", "pending_documents", "evidence", "disclosures", "cosignatures", "seals", "tiles", "facts",
        "documents", "private_records", "entries", "head",
    ):  # fmt: skip
        op.drop_table(table)
