"""One of everything that the pages of AD sync can show, in the registry of a running stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from hufu_registry.accounts.model import Account
from hufu_registry.guard.use_cases import cancel
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import STRAY, Code
from hufu_registry.sync.use_cases import drop_work
from hufu_stack.demo_people import FIRST
from tests.kit.browser.people import FIRE_MANAGER, Town
from tests.kit.sync_scenes import drifted, held_rename, park, planned, sampled


@dataclass(frozen=True, slots=True)
class Scene:
    """`paths` are addresses below /sync, one for each page about a single thing; `difference` is one of them."""

    account_id: AccountId
    difference: str
    paths: tuple[str, ...]


def account_of(town: Town, name: str) -> Account:
    with town.registry.begin() as work:
        account = work.accounts.find_by_name(name)
    assert account is not None
    return account


@contextmanager
def scene_of_sync(town: Town) -> Iterator[Scene]:
    """A parked notice, a difference, a held set, a plan, a day's figures; what alarms is gone afterwards."""
    services, first, manager = town.registry, account_of(town, FIRST.username), account_of(town, FIRE_MANAGER.username)
    notice = OutboxKey(Target.MAIL, Kind.NOTICE, str(uuid4()))
    stranger = OutboxKey(Target.AD, Kind.ACCOUNT, str(uuid4()))
    with services.begin() as work:
        agency = work.agencies.get(manager.agency_id)
    park(services, notice, Code.MAIL_ADDRESS_REFUSED)
    drifted(services, stranger, **{STRAY: ("CN=舊帳號,OU=內政部消防署,DC=hufu,DC=test", "")})
    now = services.clock.now()
    sampled(services, Target.AD, [(now - timedelta(minutes=40 * n), 90 * n, 7, 3, 20) for n in range(1, 30)])
    held_id = held_rename(services, first.id, agency)
    plan_id = planned(services, first.id, manager)
    row, difference = f"/work/mail/notice/{notice.object_id}", f"/drift/ad/account/{stranger.object_id}/{STRAY}"
    held, plan = f"/held/{held_id}", f"/runs/{plan_id}"
    try:
        yield Scene(
            manager.id,
            difference,
            (
                row,
                f"{row}/drop",
                difference,
                held,
                f"{held}/release",
                f"{held}/cancel",
                plan,
                f"{plan}/execute",
                f"/steps/account/{manager.id}",
            ),
        )
    finally:
        drop_work(notice, "the test is over", services, OPERATOR)
        cancel(held_id, 1, services, OPERATOR, "the test is over")
        drifted(services, stranger)
