"""Made-up officials, the same every time, put into a registry in bulk as if they had been approved long ago."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from hufu_registry.accounts.model import Account, AccountState, Profile
from hufu_registry.agencies.model import Agency, AgencyKind
from hufu_registry.agencies.store import SqlAgencies, agencies
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.ids import AccountId, PersonId
from hufu_registry.people.store import people

APPROVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
SPACE = uuid.UUID("68756675-0000-4000-8000-000000000000")
SURNAMES = "王林陳李張吳黃蔡楊許鄭謝郭洪邱曾廖賴周徐"
GIVEN = ("雅筑", "茂坤", "曉晴", "政廷", "珮瑜", "俊豪", "小明", "美華", "志豪", "怡伶", "文龍", "淑芬", "家瑋")
TITLES = ("科員", "專員", "科長", "技士", "技正", "助理員", "辦事員", "股長", "視察", "組長")
UNITS = ("人事室", "秘書室", "會計室", "政風室", "資訊室", "企劃科", "工程科", "行政科")


def homes(services: SqlServices, count: int) -> list[Agency]:
    """`count` open agencies all over the tree, in the order of their ids."""
    open_ones = sa.and_(agencies.c.kind == AgencyKind.AGENCY.value, agencies.c.closed_on.is_(None))
    with services.read() as connection:
        ids = connection.execute(sa.select(agencies.c.id).where(open_ones).order_by(agencies.c.id)).scalars().all()
        return [SqlAgencies(connection, set()).get(ids[nth * len(ids) // count]) for nth in range(count)]


def officials(
    places: Sequence[Agency], count: int, prefix: str = "bench", *, activated: bool = True
) -> Iterator[Account]:
    """Accounts named PREFIX and a number, one agency after the other. Keycloak misses the one-time password of those
    that are activated, so whoever goes there is not.
    """
    for number in range(count):
        place = places[number % len(places)]
        name = f"{prefix}{number:06}"
        yield Account(
            id=AccountId(uuid.uuid5(SPACE, f"account {name}")),
            person_id=PersonId(uuid.uuid5(SPACE, f"person {name}")),
            account_name=name,
            agency_id=place.id,
            agency_path=place.path,
            profile=Profile(
                name=SURNAMES[number % len(SURNAMES)] + GIVEN[number // 20 % len(GIVEN)],
                title=TITLES[number % len(TITLES)],
                phone=f"02-{number % 100_000_000:08}",
                extension=str(number % 1000),
                mobile=f"09{number % 100_000_000:08}",
                unit_name=UNITS[number % len(UNITS)],
                official_mail=f"{name}@agency.gov.tw" if number % 2 else None,
            ),
            mailbox=f"{name}@home.test",
            language="zh_Hant_TW",
            state=AccountState.ENABLED if activated else AccountState.NOT_ACTIVATED,
            created_at=APPROVED_AT,
            approved_at=APPROVED_AT,
            activated_at=APPROVED_AT if activated else None,
            official_mail_proved_at=APPROVED_AT if number % 2 else None,
        )


def add_officials(services: SqlServices, accounts: Sequence[Account]) -> None:
    """Into the registry only: nothing is wanted anywhere yet."""
    rows = [{"id": each.person_id, "name": each.profile.name, "created_at": each.created_at} for each in accounts]
    with services.begin() as work:
        work.connection.execute(sa.insert(people), rows)
        for account in accounts:
            work.accounts.add(account)
