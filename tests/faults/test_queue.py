"""What piles up while Active Directory is away comes through in order and by itself, people's single acts first."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest
import sqlalchemy as sa

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.store.tables import applied_steps
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.world import Office, office_on, until

PILE = 50


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    with office_on(stack) as made:
        made.found("北", "南")
        made.appoint(1)
        until(lambda: made.mail_is_sent(made.managers[0]))
        yield made


def creations(office: Office, target: Target) -> list[tuple[str, str]]:
    """Kind and id of what was made there, in order."""
    with office.services.read() as connection:
        rows = connection.execute(
            sa.select(applied_steps.c.kind, applied_steps.c.object_id)
            .where(applied_steps.c.target == target.value, applied_steps.c.step == "create")
            .order_by(applied_steps.c.number)
        )
        return [(row.kind, row.object_id) for row in rows]


def mark_as_bulk(office: Office, account_ids: Collection[AccountId]) -> None:
    """As an import would have wanted them."""
    with office.services.begin() as work:
        work.connection.execute(
            sa.update(outbox)
            .where(outbox.c.object_id.in_([str(account_id) for account_id in account_ids]))
            .values(bulk=True)
        )


@pytest.mark.requirement("X-11")
def test_what_was_queued_while_the_directory_was_away_drains_in_order_by_itself(office: Office) -> None:
    office.stack.kill("directory")
    try:
        # Nobody has worked in either agency yet: their OUs have to come first.
        pile = [office.approve("北" if number % 2 else "南") for number in range(PILE)]
        bulk, single = pile[:-1], pile[-1]
        mark_as_bulk(office, bulk)
    finally:
        office.stack.start(["directory"])
    until(lambda: all(office.is_done(account_id) for account_id in pile))
    made = creations(office, Target.AD)
    places = {each: made.index((Kind.AGENCY.value, str(office.agencies[each]))) for each in ("北", "南")}
    order = {account_id: made.index((Kind.ACCOUNT.value, str(account_id))) for account_id in pile}
    for number, account_id in enumerate(pile):
        assert places["北" if number % 2 else "南"] < order[account_id]
    # A batch or two may have been in hand when its turn came.
    assert sum(order[account_id] < order[single] for account_id in bulk) <= PILE // 2
    assert disagreements(office) == []
