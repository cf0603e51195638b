"""The schemas ref, raw and ops."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    op.execute("DROP SCHEMA ops CASCADE; DROP SCHEMA raw CASCADE; DROP SCHEMA ref CASCADE")
