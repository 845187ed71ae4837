"""An official mailbox is published once its owner has proved it. One that stands today counts as proved where it lies
under the domains set for its agency, or for the nearest above that has some, and one account alone has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0014"
branch_labels = None
depends_on = None

INDEX = "uq_accounts_official_mail"
GIVEN = """
    SELECT DISTINCT ON (agency_id) agency_id, value FROM settings
    WHERE key = 'official_mail_domains' AND valid_from <= now()
    ORDER BY agency_id, valid_from DESC, id DESC
"""
STANDING = """
    SELECT id, agency_path, official_mail FROM accounts WHERE official_mail <> '' AND state <> 'deleted'
"""
# Whatever is not proved leaves the targets.
WANTED_AGAIN = """
    UPDATE outbox SET generation = generation + 1, requested_at = now(), bulk = true
    WHERE kind = 'account' AND object_id = ANY(:ids) AND generation = applied_generation
"""


def upgrade() -> None:
    op.add_column("accounts", sa.Column("official_mail_proved_at", sa.TIMESTAMP(timezone=True)))
    connection = op.get_bind()
    given = {row.agency_id: (row.value or "").split() for row in connection.execute(sa.text(GIVEN))}
    rows = connection.execute(sa.text(STANDING)).all()
    times = Counter(row.official_mail for row in rows)
    proved = [
        row.id
        for row in rows
        if times[row.official_mail] == 1 and lies_under(row.official_mail, domains_at(row.agency_path, given))
    ]
    connection.execute(
        sa.text("UPDATE accounts SET official_mail_proved_at = approved_at WHERE id = ANY(:ids)"), {"ids": proved}
    )
    others = [str(row.id) for row in rows if row.id not in set(proved)]
    connection.execute(sa.text(WANTED_AGAIN), {"ids": others})
    op.create_index(
        INDEX,
        "accounts",
        ["official_mail"],
        unique=True,
        postgresql_where=sa.text("official_mail_proved_at IS NOT NULL AND state <> 'deleted'"),
    )


def domains_at(path: str, given: Mapping[int | None, Sequence[str]]) -> Sequence[str]:
    """Those of the nearest agency that has some, else everybody's."""
    for step in reversed(path.split(".")):
        if domains := given.get(int(step, 36)):
            return domains
    return given.get(None, ())


def lies_under(mailbox: str, domains: Sequence[str]) -> bool:
    domain = mailbox.rpartition("@")[2].lower()
    return any(domain == allowed or domain.endswith(f".{allowed}") for allowed in domains)


def downgrade() -> None:
    op.drop_index(INDEX, "accounts")
    op.drop_column("accounts", "official_mail_proved_at")
