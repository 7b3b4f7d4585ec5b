"""Who said a message, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0004_message_times"
down_revision = "0003_owner_index"


def upgrade() -> None:
    """Add both columns; messages of before have neither."""
    op.add_column("messages", sa.Column("role", sa.Text))
    op.add_column("messages", sa.Column("created_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("messages", "created_at")
    op.drop_column("messages", "role")
