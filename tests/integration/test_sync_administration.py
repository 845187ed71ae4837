"""Work and differences as system managers see and mend them, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor, applicant_actor
from hufu_registry.kernel.errors import Denied, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.sync.model import MISSING, STRAY, Code, ErrorClass, WorkState
from hufu_registry.sync.store import (
    drift_of,
    drift_rows,
    target_states,
    work_row,
    work_rows,
    written_fields,
)
from hufu_registry.sync.use_cases import (
    accept_drift,
    converge_agency,
    drop_work,
    ignore_drift,
    list_drift_again,
    make_again,
    overwrite_drift,
    pause_target,
    request_comparison,
    request_plan,
    resume_target,
    retry_now,
)
from tests.kit.accounts import official_domains
from tests.kit.clocks import SetClock
from tests.kit.staff import Staff, account_keys
from tests.kit.sync_scenes import PAGE, drifted, gone, key_of, set_row


def titles(services: SqlServices, **asked: Any) -> list[str]:
    with services.read() as connection:
        return [row.title for row in work_rows(connection, PAGE, **asked).rows]


# Who may


@pytest.mark.requirement("S1-076")
def test_only_system_managers_and_the_machine_itself_may(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    staff.appoint(one, chain[3])
    acts: list[Callable[[Actor], object]] = [
        lambda actor: pause_target(Target.AD, "維護", services, actor),
        lambda actor: resume_target(Target.AD, services, actor),
        lambda actor: retry_now(key_of(one), services, actor),
        lambda actor: drop_work(key_of(one), "不需要", services, actor),
        lambda actor: make_again(key_of(one), services, actor),
        lambda actor: converge_agency(chain[3].id, services, actor),
        lambda actor: request_plan(None, None, services, actor),
        lambda actor: request_comparison(Target.AD, services, actor),
        lambda actor: accept_drift(key_of(one), "title", services, actor),
        lambda actor: overwrite_drift(key_of(one), "title", services, actor),
        lambda actor: ignore_drift(key_of(one), "title", staff.today + timedelta(days=9), services, actor),
        lambda actor: list_drift_again(key_of(one), "title", services, actor),
    ]
    before = staff.recorded()
    for act in acts:
        with pytest.raises(Denied, match="system_managers_only"):
            act(account_actor(one))
        with pytest.raises(NotFound):
            act(applicant_actor())
    assert staff.recorded() == before
    for actor in (administrator, OPERATOR):
        request_plan(None, None, services, actor)


# Waiting work


def test_work_is_found_by_state_target_person_and_agency(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (wang,) = staff.hire(chain[3], name="王大同")
    (lin,) = staff.hire(chain[2], name="林小華")
    gone(services, key_of(wang))
    set_row(services, key_of(lin, Target.KEYCLOAK), error_class="transient", error="keycloak_timeout", attempts=2)
    wangs, lins = (f"{n} ({staff.account(one).account_name})" for n, one in (("王大同", wang), ("林小華", lin)))
    assert titles(services, words="王大") == [wangs, wangs]
    assert titles(services, words=staff.account(lin).account_name.upper(), target=Target.AD) == [lins]
    assert titles(services, words="測試署 林") == [lins, lins]
    assert titles(services, words="測試署 王") == [wangs, wangs]
    assert titles(services, words="測試所") == []
    assert titles(services, words="100%_\x00") == []
    assert titles(services, state=WorkState.PARKED) == [wangs]
    assert titles(services, state=WorkState.RETRYING) == [lins]
    assert titles(services, state=WorkState.WAITING, target=Target.KEYCLOAK, words="林") == []
    assert "測試隊" in titles(services, words="測試隊", state=WorkState.WAITING)
    with services.read() as connection:
        found = work_row(connection, key_of(wang))
        retried = work_row(connection, key_of(lin, Target.KEYCLOAK))
        with pytest.raises(NotFound):
            work_row(connection, key_of(AccountId(uuid4())))
        page = work_rows(connection, Page(2, 2))
        everything = work_rows(connection, PAGE)
    assert (found.state, found.code, found.error_class) == (WorkState.PARKED, Code.GONE_IN_AD, ErrorClass.GONE)
    assert (found.agency_name, found.next_at, found.attempts) == ("測試院 › 測試部 › 測試署 › 測試隊", None, 1)
    assert (retried.state, retried.code, retried.attempts) == (WorkState.RETRYING, Code.KEYCLOAK_TIMEOUT, 2)
    assert page.total == everything.total
    assert list(page.rows) == list(everything.rows)[2:4]


def test_a_parked_row_is_tried_again_as_a_single_act(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    gone(services, key_of(one))
    set_row(services, key_of(one), bulk=True, next_at=services.clock.now() + timedelta(hours=1))
    retry_now(key_of(one), services, administrator)
    with services.read() as connection:
        row = work_row(connection, key_of(one))
    assert (row.state, row.attempts, row.next_at, row.bulk) == (WorkState.WAITING, 0, services.clock.now(), False)
    staff.settle()
    with pytest.raises(NotFound, match="work"):
        retry_now(key_of(one), services, administrator)


def test_work_is_dropped_with_a_reason_and_its_acts_with_it(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    with pytest.raises(Invalid):
        drop_work(key_of(one, Target.KEYCLOAK), " ", services, administrator)
    drop_work(key_of(one, Target.KEYCLOAK), "重複申請", services, administrator)
    assert key_of(one, Target.KEYCLOAK) not in staff.unfinished()
    assert key_of(one) in staff.unfinished()
    assert staff.acts(one) == [("activation_mail", "keycloak", "failed")]
    assert staff.recorded("work.dropped") == ["work.dropped"]
    with pytest.raises(NotFound, match="work"):
        drop_work(key_of(one, Target.KEYCLOAK), "再一次", services, administrator)


def test_what_is_gone_is_made_again_and_its_person_gets_a_link(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    (off,) = staff.hire(chain[3], state=AccountState.DISABLED)
    (gone,) = staff.hire(chain[3], state=AccountState.DELETED)
    staff.settle()
    for key in (key_of(one), key_of(off), key_of(one, Target.KEYCLOAK)):
        with pytest.raises(IllegalMove, match="not_missed"):
            make_again(key, services, administrator)
        drifted(services, key, **{MISSING: ("", "")})
        make_again(key, services, administrator)
    assert staff.unfinished() >= account_keys(one, off)
    # The worker looks before anything of it changes.
    assert [entry[:2] for entry in staff.acts(one)][1:] == [("make_again", "ad")]
    assert [entry[:2] for entry in staff.acts(off)][1:] == [("make_again", "ad")]
    unit = OutboxKey(Target.KEYCLOAK, Kind.AGENCY, str(chain[3].id))
    for key in (key_of(gone), unit):
        drifted(services, key, **{MISSING: ("", "")})
    with pytest.raises(IllegalMove, match="account_state"):
        make_again(key_of(gone), services, administrator)
    make_again(unit, services, administrator)
    assert unit in staff.unfinished()


def test_a_pause_has_a_reason_and_ends_by_hand(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    staff.hire(chain[3])

    def state() -> tuple[object, str]:
        with services.read() as connection:
            (found,) = (one for one in target_states(connection) if one.target is Target.AD)
        return found.paused_at, found.paused_why

    with pytest.raises(Invalid):
        pause_target(Target.AD, "", services, administrator)
    pause_target(Target.AD, "網域控制站維護", services, administrator)
    at = services.clock.now()
    pause_target(Target.AD, "別的理由", services, administrator)
    assert state() == (at, "網域控制站維護")
    for _ in range(2):
        resume_target(Target.AD, services, administrator)
    assert state() == (None, "")
    assert staff.recorded("target.paused", "target.resumed") == ["target.paused", "target.resumed"]


# Drift


@pytest.mark.parametrize(
    ("field", "there", "profile"),
    [
        ("displayName", " 王  大明 ", {"name": "王大明"}),
        ("title", "專員", {"title": "專員"}),
        ("telephoneNumber", "02-87654321#99", {"phone": "02-87654321", "extension": "99"}),
        ("telephoneNumber", "02-87654321", {"phone": "02-87654321", "extension": ""}),
        ("department", "秘書室", {"unit_name": "秘書室", "unit_id": None}),
        ("mail", "Wang@Example.GOV.TW", {"official_mail": "wang@example.gov.tw"}),
        ("mail", "", {"official_mail": None}),
    ],
)
def test_what_stands_in_a_target_is_taken_over(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor,
    field: str, there: str, profile: dict[str, object],
) -> None:  # fmt: skip
    official_domains(services, chain[3], "example.gov.tw")
    (one,) = staff.hire(chain[3], extension="12", official_mail="old@example.gov.tw")
    staff.settle()
    drifted(services, key_of(one), **{field: (there.replace("  ", ""), "ours")})
    accept_drift(key_of(one), field, services, administrator)
    found = staff.account(one).profile
    assert {name: getattr(found, name) for name in profile} == profile
    assert staff.unfinished() == account_keys(one)
    with services.read() as connection:
        assert drift_rows(connection, services.keys, PAGE, now=services.clock.now()).total == 0
    assert staff.recorded("drift.accepted") == ["drift.accepted"]


def test_what_is_none_of_a_person_s_data_is_not_taken_over(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    (gone,) = staff.hire(chain[3], state=AccountState.DELETED)
    staff.settle()
    before = staff.account(one)
    differing = {"title": ("", "科員"), "mail": ("a@b.example", ""), "department": ("科" * 65, "")}
    drifted(services, key_of(one), company=("別的機關", "測試隊"), **differing)
    drifted(services, key_of(gone), title=("專員", "科員"))
    for key, field, error in (
        (key_of(one), "company", IllegalMove),
        (key_of(one), "title", Invalid),
        (key_of(one), "mail", Invalid),
        (key_of(one), "department", Invalid),
        (key_of(gone), "title", IllegalMove),
        (key_of(one), "displayName", NotFound),
    ):
        with pytest.raises(error):
            accept_drift(key, field, services, administrator)
    assert staff.account(one) == before
    assert staff.unfinished() == set()


def test_an_old_fault_of_another_field_does_not_stand_in_the_way(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3], mobile="123", official_mail="old@elsewhere.example")
    staff.settle()
    drifted(services, key_of(one), title=("專員", "科員"), telephoneNumber=("02-1", "02-81234567"))
    accept_drift(key_of(one), "title", services, administrator)
    assert staff.account(one).profile.title == "專員"
    with pytest.raises(Invalid, match="phone: phone_shape"):
        accept_drift(key_of(one), "telephoneNumber", services, administrator)


def test_writing_over_forgets_what_was_written(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    staff.settle()
    drifted(services, key_of(one), title=("別的", "科員"))
    with services.begin(SYSTEM) as work:
        work.written_values.remember({key_of(one): {"title": "x", "department": "y"}})
    overwrite_drift(key_of(one), "title", services, administrator)
    with services.read() as connection:
        assert list(connection.execute(sa.select(written_fields.c.field)).scalars()) == ["department"]
    assert staff.unfinished() == {key_of(one)}


def test_writing_over_what_is_missing_makes_it_again_and_a_stray_is_left_alone(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    staff.settle()
    stranger = OutboxKey(Target.AD, Kind.ACCOUNT, "not-a-number")
    drifted(services, key_of(one), **{MISSING: ("", "")})
    drifted(services, stranger, **{STRAY: ("CN=x", "")})
    overwrite_drift(key_of(one), MISSING, services, administrator)
    assert staff.unfinished() == account_keys(one)
    with pytest.raises(IllegalMove, match="drift_not_ours"):
        overwrite_drift(stranger, STRAY, services, administrator)
    with services.read() as connection:
        (left,) = drift_rows(connection, services.keys, PAGE, now=services.clock.now()).rows
        assert drift_rows(connection, services.keys, PAGE, words="王小明", now=services.clock.now()).total == 0
    assert (left.title, left.there, left.acceptable) == ("not-a-number", "CN=x", False)


def test_what_is_ignored_is_hidden_until_its_day(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor, clock: SetClock
) -> None:
    (one,) = staff.hire(chain[3], name="王大同")
    drifted(services, key_of(one), title=("別的", "科員"))
    for bad in (0, 367):
        with pytest.raises(Invalid):
            ignore_drift(key_of(one), "title", staff.today + timedelta(days=bad), services, administrator)
    ignore_drift(key_of(one), "title", staff.today + timedelta(days=7), services, administrator)

    def listed(*, ignored: bool) -> list[str]:
        with services.read() as connection:
            found = drift_rows(
                connection, services.keys, PAGE, target=Target.AD, words="大同", ignored=ignored, now=clock.now()
            )
        return [row.field for row in found.rows]

    assert (listed(ignored=False), listed(ignored=True)) == ([], ["title"])
    clock.advance(days=8)
    assert (listed(ignored=False), listed(ignored=True)) == (["title"], [])


def test_a_drift_shows_both_values_to_whoever_may_see_them_and_to_nobody_else(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3], name="王大同")
    drifted(services, key_of(one), displayName=("王大明", "王大同"))
    with services.read() as connection:
        found = drift_of(connection, services.keys, key_of(one), "displayName")
        stored = str(connection.execute(sa.text("SELECT * FROM drifts")).all())
    assert (found.there, found.wanted, found.acceptable) == ("王大明", "王大同", True)
    assert found.title == f"王大同 ({staff.account(one).account_name})"
    assert "王大" not in stored
