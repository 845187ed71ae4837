"""What a worker made and never noted, or made for the sake of somebody who never came: found again, or gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import delete_account, disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, StepName
from hufu_sync.errors import Transient
from tests.kit.clocks import SetClock
from tests.kit.engine import DONE, Engine, agencies_in, change_agency, killed_after
from tests.kit.guard import transfer_account


def settle(engine: Engine, clock: SetClock) -> None:
    for _ in range(6):
        clock.advance(minutes=1)
        engine.run()
    with engine.services.read() as connection:
        assert (
            connection.execute(sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation)).all() == []
        )


@pytest.mark.parametrize("how", ["left", "renamed", "moved"])
@pytest.mark.parametrize("where", ["ad", "keycloak"])
def test_an_agency_made_and_not_noted_goes_when_nobody_needs_it(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, where: str, how: str
) -> None:
    engine.account(chain[1])
    engine.run()
    account_id = engine.account(chain[2])
    killed_after(engine, where, "Create agency")
    change_agency(engine, chain[2], how, chain[0])
    transfer_account(account_id, chain[1].id, engine.services, OPERATOR)
    settle(engine, clock)
    assert len(agencies_in(engine.ad)) == len(agencies_in(engine.keycloak)) == 2


@pytest.mark.parametrize("how", ["renamed", "moved"])
@pytest.mark.parametrize("where", ["ad", "keycloak"])
def test_an_agency_made_and_not_noted_is_not_made_twice(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, where: str, how: str
) -> None:
    engine.account(chain[1])
    engine.run()
    account_id = engine.account(chain[2])
    killed_after(engine, where, "Create agency")
    change_agency(engine, chain[2], how, chain[0])
    settle(engine, clock)
    assert engine.story(account_id)[StepName.MAIL] == DONE
    for target in (engine.ad, engine.keycloak):
        ((_, made),) = target.of(f"hufu:agency:{chain[2].id}")
        ((top, _),) = target.of(f"hufu:agency:{chain[0].id}")
        assert (made.place == top) is (how == "moved")


def test_a_user_made_and_not_noted_goes_with_his_entry_when_he_was_deleted(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[1])
    killed_after(engine, "keycloak", "Create account")
    disable_account(account_id, engine.services, OPERATOR, reason="test")
    delete_account(account_id, engine.services, OPERATOR, reason="test")
    settle(engine, clock)
    ((_, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
    assert not user.enabled
    clock.advance(days=91)
    with engine.services.begin(SYSTEM) as work:
        enqueue_account(work, engine.services, work.accounts.get(account_id))
    settle(engine, clock)
    assert engine.ad.things == engine.keycloak.things == {}


@pytest.mark.parametrize("directory", [True, False], ids=["with a directory", "without"])
def test_an_account_made_and_not_noted_goes_when_it_was_deleted(
    services: SqlServices, database: RegistrySettings, chain: Sequence[Agency], clock: SetClock, directory: bool
) -> None:
    engine = Engine(services, database, clock, directory=directory)
    account_id = engine.account(chain[1])
    killed_after(engine, "ad" if directory else "keycloak", "Create account")
    disable_account(account_id, engine.services, OPERATOR, reason="test")
    delete_account(account_id, engine.services, OPERATOR, reason="test")
    settle(engine, clock)
    assert engine.ad.things == engine.keycloak.things == {}
    assert engine.records(f"account.removed_in_{'ad' if directory else 'keycloak'}") == 1


def test_an_agency_made_for_an_account_that_was_deleted_first_goes(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[3])
    engine.ad.fail(Transient(Code.AD_BUSY), when="Create account")
    engine.run()
    assert len(agencies_in(engine.ad)) == 4
    disable_account(account_id, engine.services, OPERATOR, reason="test")
    delete_account(account_id, engine.services, OPERATOR, reason="test")
    engine.ad.heal()
    settle(engine, clock)
    assert engine.ad.things == engine.keycloak.things == {}
    assert engine.records("account.removed_in_ad") == 0


def test_what_was_made_for_an_agency_that_was_hung_elsewhere_first_goes(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[3])
    made: list[str] = []

    def away(call: str) -> None:
        if call == "Create agency":
            if len(made) == 3:
                raise Transient(Code.AD_BUSY)
            made.append(call)

    engine.ad.before = away
    engine.run()
    assert len(agencies_in(engine.ad)) == 3
    change_agency(engine, chain[3], "moved", chain[0])
    engine.ad.heal()
    settle(engine, clock)
    assert engine.story(account_id)[StepName.MAIL] == DONE
    assert len(agencies_in(engine.ad)) == len(agencies_in(engine.keycloak)) == 2
