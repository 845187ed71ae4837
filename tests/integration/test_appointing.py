"""Appointing somebody who is appointed already: with another reach, after his time is over, twice at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId
from hufu_registry.rights.store import grants
from hufu_registry.rights.use_cases import appoint_manager
from tests.kit.clocks import SetClock
from tests.kit.staff import Staff


def history(services: SqlServices, account_id: AccountId) -> list[tuple[bool, bool]]:
    """(with subordinates, ended) of all that the account was ever granted."""
    query = sa.select(grants).where(grants.c.account_id == account_id)
    with services.read() as connection:
        return sorted((row.with_subordinates, row.ended_at is not None) for row in connection.execute(query))


def records(services: SqlServices) -> list[Any]:
    query = sa.select(audit_records).where(audit_records.c.action.in_(["grant.given", "grant.ended"]))
    with services.read() as connection:
        return list(connection.execute(query.order_by(audit_records.c.id)))


def test_with_another_reach_it_takes_the_place_of_what_was(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    (one,) = staff.hire(chain[2])
    for wide in (False, True, False):
        appoint_manager(one, chain[2].id, services, OPERATOR, with_subordinates=wide)
        assert [grant.with_subordinates for grant in staff.grants(one)] == [wide]
        with pytest.raises(IllegalMove, match="already_appointed"):
            appoint_manager(one, chain[2].id, services, OPERATOR, with_subordinates=wide)
    assert history(services, one) == [(False, False), (False, True), (True, True)]
    told = [(record.action, (record.old or record.new)["with_subordinates"]) for record in records(services)]
    assert told == [
        ("grant.given", False),
        ("grant.ended", False),
        ("grant.given", True),
        ("grant.ended", True),
        ("grant.given", False),
    ]


@pytest.mark.parametrize("days", [(-2, -1), (-1, 1), (1, None)], ids=["over", "with a date", "not yet"])
def test_a_dated_one_gives_way_to_one_that_holds_from_now_on(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock, days: tuple[int, int | None]
) -> None:
    (one,) = staff.hire(chain[2])
    staff.appoint(one, chain[2])
    begin, end = (None if day is None else clock.now() + timedelta(days=day) for day in days)
    with services.engine.begin() as connection:
        connection.execute(
            sa.update(grants).where(grants.c.account_id == one).values(valid_from=begin, valid_until=end)
        )
    appoint_manager(one, chain[2].id, services, OPERATOR)
    with services.begin(SYSTEM) as work:
        assert [grant.valid_until for grant in work.grants.of(one).grants] == [None]
    assert history(services, one) == [(False, False), (False, True)]


def test_several_at_once_appoint_once(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    (one,) = staff.hire(chain[2])
    askers = [staff.system_manager(chain[0]) for _ in range(4)]
    for wide in (False, True):
        before = len(records(services))

        def appoint(number: int, wide: bool = wide) -> str:
            try:
                appoint_manager(one, chain[2].id, services, askers[number], with_subordinates=wide)
            except IllegalMove as error:
                return error.code
            return "appointed"

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(appoint, range(4))) == [*["already_appointed"] * 3, "appointed"]
        assert [grant.with_subordinates for grant in staff.grants(one)] == [wide]
        assert len(records(services)) == before + 1 + wide


def test_the_page_says_what_became_of_it(
    browser: FlaskClient, staff: Staff, chain: Sequence[Agency], services: SqlServices
) -> None:
    (one,) = staff.hire(chain[2])
    page, form = f"/agencies/{chain[2].id}/managers/appoint", {"account_id": str(one)}
    for changes, said in (({}, "已指派管理者"), ({"with_subordinates": "y"}, "已變更管理者的管轄範圍")):
        assert browser.post(page, data=form | changes).status_code == 303
        assert said in browser.get(f"/agencies/{chain[2].id}").text
    again = browser.post(page, data=form | {"with_subordinates": "y"})
    assert (again.status_code, "已是這個機關的管理者" in again.text) == (422, True)
    assert history(services, one) == [(False, True), (True, False)]
