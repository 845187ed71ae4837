"""An official mailbox is published once its owner has proved it. One that stands today counts as proved where it lies
under the domains set for its agency, or for the nearest above that has some, and one account alone has it.

Agencies have short names, by which a search finds them.
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
# What everybody calls these for short.
USUAL = {
    "外交部領事事務局": ["BOCA"],
    "內政部移民署": ["移民局", "NIA"],
    "行政院環境保護署": ["EPA"],
    "行政院農業委員會": ["COA"],
    "國家通訊傳播委員會": ["NCC"],
    "國家發展委員會": ["NDC", "經建會", "研考會"],
    "科技部": ["國科會", "MOST"],
    "財政部關務署": ["海關"],
    "金融監督管理委員會": ["FSC"],
    "新北市政府": ["新北", "新北市府"],
    "經濟部智慧財產局": ["TIPO"],
    "臺北大眾捷運股份有限公司": ["北捷"],
    "臺北市政府": ["北市", "北市府"],
    "桃園國際機場股份有限公司": ["桃機"],
    "衛生福利部": ["衛生署"],
    "衛生福利部中央健康保險署": ["健保局", "NHI"],
    "衛生福利部疾病管制署": ["疾管局", "CDC"],
    "衛生福利部食品藥物管理署": ["食藥局", "FDA", "TFDA"],
}
NAMED = "UPDATE agencies SET short_names = :short, search_text = search_text || :lines WHERE name = :name"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("official_mail_proved_at", sa.TIMESTAMP(timezone=True)))
    op.add_column("agencies", sa.Column("short_names", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    connection = op.get_bind()
    for name, short in USUAL.items():
        lines = "".join(f"{each.casefold().replace('台', '臺')}\n" for each in short)
        connection.execute(sa.text(NAMED), {"name": name, "short": short, "lines": lines})
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
    """What search found by short names stays findable until a name changes."""
    op.drop_column("agencies", "short_names")
    op.drop_index(INDEX, "accounts")
    op.drop_column("accounts", "official_mail_proved_at")
