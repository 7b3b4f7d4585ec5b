"""The owner as a column of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002_user_id"
down_revision = "0001_threads"


def upgrade() -> None:
    """Add the column; existing rows keep their owner in the metadata."""
    op.add_column("threads", sa.Column("user_id", sa.String(255)))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("threads", "user_id")
