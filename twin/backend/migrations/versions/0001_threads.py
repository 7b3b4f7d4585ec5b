"""Threads and their messages; the owner only in the metadata, as it was at first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_threads"
down_revision = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "threads",
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("object", sa.String(32), nullable=False, server_default="thread"),
        sa.Column("title", sa.Text),
        sa.Column("metadata_", JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("thread_id", sa.String(255), nullable=False, index=True),
        sa.Column("content", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("messages")
    op.drop_table("threads")
