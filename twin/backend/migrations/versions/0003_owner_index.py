"""Indexes that give a first page of an owner's threads without reading the rest."""

from alembic import op

revision = "0003_owner_index"
down_revision = "0002_user_id"


def upgrade() -> None:
    """One index by the column, one by the metadata for rows without it."""
    op.execute(
        "CREATE INDEX ix_threads_owner ON threads (user_id, updated_at DESC NULLS LAST, id DESC) "
        "WHERE deleted_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_threads_metadata_owner ON threads ((metadata_ ->> 'user_id')) "
        "WHERE user_id IS NULL AND deleted_at IS NULL"
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_threads_metadata_owner")
    op.drop_index("ix_threads_owner")
