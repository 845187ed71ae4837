"""Applying and deciding, on a real PostgreSQL, through the use cases the pages call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState, NameHolder
from hufu_registry.accounts.use_cases import FirstSystemManager, first_system_manager
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import audit_records, timeline
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.cases.engine.store import QueueFilter, duplicate_candidates, queue
from hufu_registry.cases.permissions import DECIDE_CASES
from hufu_registry.cases.types.activation import ACTIVATION, application_of
from hufu_registry.cases.use_cases import (
    Approve,
    ChangeCase,
    ChooseName,
    FileCase,
    Reject,
    Withdraw,
    approve,
    change_case,
    choose_name,
    file_case,
    reject,
    report_collision,
    withdraw,
)
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.errors import Conflict, Denied, HufuError, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.notices.store import notices
from hufu_registry.people.model import Purpose
from hufu_registry.rights.use_cases import appoint_manager
from tests.kit.accounts import LANGUAGE, changed
from tests.kit.cases import APPLICANT, CaseOffice
from tests.kit.clocks import SetClock
from tests.kit.staff import only_looking

TYPES = {ACTIVATION.name: ACTIVATION}


@pytest.fixture
def office(services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> CaseOffice:
    with_directory = replace(services, policy=replace(services.policy, with_directory=True))
    return CaseOffice(with_directory, chain, clock)


@pytest.mark.requirement("S1-086")
def test_an_approval_makes_account_acts_outbox_and_mail_in_one_transaction(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply()
    account_id = office.approve(manager, case_id)
    with office.services.begin(SYSTEM) as work:
        account = work.accounts.get(account_id)
        rows = work.connection.execute(sa.select(outbox).where(outbox.c.object_id == str(account_id))).all()
        agencies = work.connection.execute(sa.select(outbox).where(outbox.c.kind == "agency")).all()
    assert account.state is AccountState.NOT_ACTIVATED
    assert office.case(case_id).state is CaseState.APPROVED
    assert {row.target for row in rows} == {"ad", "keycloak"}
    assert {row.object_id for row in agencies} == {str(a.id) for a in (office.top, office.ministry, office.bureau)}
    assert office.mails()[-1]["template"] == "case_approved"


def test_a_mailbox_that_was_not_verified_in_this_browser_for_this_purpose_is_refused(office: CaseOffice) -> None:
    office.prove("mine", "person@example.org", Purpose.FOLLOW)
    for browser in ("mine", "another"):
        with pytest.raises(NotFound, match="mailbox_not_verified"):
            file_case(
                FileCase(browser, ACTIVATION.name, office.form(), CURRENT.version, "k", LANGUAGE),
                office.services,
                APPLICANT,
            )


def test_however_often_a_case_moves_its_deciders_are_told_once(office: CaseOffice) -> None:
    office.manager(office.bureau)
    office.manager(office.ministry)
    case_id = office.apply(mailbox="p@example.org")
    office.prove("mine", "p@example.org", Purpose.FOLLOW)
    before = waiting_mails(office)
    for version, agency in enumerate([office.ministry, office.bureau] * 4, start=1):
        change_case(ChangeCase("mine", case_id, version, office.form(agency)), office.services, APPLICANT)
    assert waiting_mails(office) - before == 1


def waiting_mails(office: CaseOffice) -> int:
    with office.services.read() as connection:
        sent = sa.select(sa.func.count()).select_from(notices).where(notices.c.template == "case_waiting")
        return int(connection.execute(sent).scalar_one())


def test_a_form_sent_twice_makes_one_case(office: CaseOffice) -> None:
    office.prove("mine", "p@example.org")
    command = FileCase("mine", ACTIVATION.name, office.form(), CURRENT.version, "the form", LANGUAGE)
    first = file_case(command, office.services, APPLICANT)
    assert file_case(command, office.services, APPLICANT) == first


def test_a_form_sent_twice_at_the_same_moment_makes_one_case(office: CaseOffice) -> None:
    office.prove("mine", "p@example.org")
    command = FileCase("mine", ACTIVATION.name, office.form(), CURRENT.version, "the form", LANGUAGE)
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: file_case(command, office.services, APPLICANT), range(4)))
    assert len(made) == 1


def test_one_open_case_per_mailbox(office: CaseOffice) -> None:
    office.apply(mailbox="p@example.org")
    with pytest.raises(Conflict, match="case_open"):
        office.apply(mailbox="P@Example.org")


@pytest.mark.requirement("S2-16")
def test_without_consent_to_the_current_text_there_is_no_case(office: CaseOffice) -> None:
    office.prove("mine", "p@example.org")
    with pytest.raises(Invalid) as refusal:
        file_case(
            FileCase("mine", ACTIVATION.name, office.form(), "2019-01", "k", LANGUAGE), office.services, APPLICANT
        )
    assert refusal.value.fields == {"consent": "consent_required"}
    case_id = office.apply()
    assert office.case(case_id).consent_version == CURRENT.version


def test_names_that_differ_only_in_case_are_one_name(office: CaseOffice) -> None:
    office.apply(office.form(account_name="WangXM"))
    with pytest.raises(Invalid) as taken:
        office.apply(office.form(account_name="wangxm"))
    assert taken.value.fields == {"account_name": "account_name_taken"}


def test_a_name_is_free_again_after_withdrawal_but_rests_a_year_after_an_account_gave_it_up(office: CaseOffice) -> None:
    case_id = office.apply(office.form(account_name="wangxm"), mailbox="a@example.org")
    withdraw(Withdraw(office.follow("a@example.org"), case_id), office.services, APPLICANT)
    office.apply(office.form(account_name="wangxm"), mailbox="b@example.org")
    holder = uuid4()
    with office.services.begin(SYSTEM) as work:
        assert work.names.take("gone123", NameHolder.ACCOUNT, holder)
        work.names.release("gone123", holder, rest=True)
    with pytest.raises(Invalid):
        office.apply(office.form(account_name="gone123"))
    office.clock.advance(days=365, seconds=1)
    office.apply(office.form(account_name="gone123"))


@pytest.mark.requirement("S1-087")
def test_the_applicant_changes_the_application_until_it_is_decided(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    form = office.form()
    case_id = office.apply(form, mailbox="p@example.org")
    browser = office.follow("p@example.org")
    change_case(ChangeCase(browser, case_id, 1, changed(form, {"title": "專員"})), office.services, APPLICANT)
    assert application_of(office.case(case_id)).profile.title == "專員"
    with pytest.raises(Conflict, match="changed_meanwhile"):
        approve(Approve(case_id, 1), office.services, account_actor(manager))
    approve(Approve(case_id, 2), office.services, account_actor(manager))
    with pytest.raises(IllegalMove, match="case_state"):
        change_case(ChangeCase(browser, case_id, 3, form), office.services, APPLICANT)


def test_a_foreign_case_is_not_found_by_its_applicants_doors(office: CaseOffice) -> None:
    case_id = office.apply(mailbox="mine@example.org")
    office.apply(mailbox="other@example.org")
    foreign = office.follow("other@example.org")
    acts: tuple[Callable[[], object], ...] = (
        lambda: withdraw(Withdraw(foreign, case_id), office.services, APPLICANT),
        lambda: change_case(ChangeCase(foreign, case_id, 1, office.form()), office.services, APPLICANT),
        lambda: choose_name(ChooseName(foreign, case_id, "another1"), office.services, APPLICANT),
    )
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_two_managers_at_the_same_moment_one_decides_the_other_reads_who_and_when(office: CaseOffice) -> None:
    first, second = office.manager(office.bureau), office.manager(office.bureau)
    case_id = office.apply()

    def act(manager: AccountId) -> HufuError | AccountId | None:
        try:
            return approve(Approve(case_id, 1), office.services, account_actor(manager))
        except HufuError as fault:
            return fault

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(act, (first, second)))
    refused = [outcome for outcome in outcomes if isinstance(outcome, IllegalMove)]
    assert len(refused) == 1
    assert refused[0].context["decided_by"] in {first, second}
    assert refused[0].context["decided_at"] is not None
    with office.services.read() as connection:
        made = connection.execute(
            sa.select(sa.func.count()).select_from(audit_records).where(audit_records.c.action == "case.approved")
        ).scalar_one()
    assert made == 1


def test_nobody_decides_his_own_case_whichever_account_or_mobile(office: CaseOffice) -> None:
    manager = office.official(office.bureau, mailbox="me@example.org")
    appoint_manager(manager, office.bureau.id, office.services, OPERATOR)
    with office.services.begin(SYSTEM) as work:
        mobile = work.accounts.get(manager).profile.mobile
    same_mailbox = office.apply(mailbox="me@example.org")
    same_mobile = office.apply(office.form(mobile=mobile))
    for case_id in (same_mailbox, same_mobile):
        with pytest.raises(Denied, match="own_case"):
            approve(Approve(case_id, 1), office.services, account_actor(manager))


def test_who_may_only_look_at_cases_does_not_decide_them(office: CaseOffice) -> None:
    """A right to see is none to decide, whether the case lies in his scope or came up to his agency."""
    manager = office.manager(office.bureau)
    case_id = office.apply()
    with only_looking():
        with pytest.raises(Denied, match="right_missing"):
            approve(Approve(case_id, 1), office.services, account_actor(manager))
        with pytest.raises(Denied, match="right_missing"):
            reject(Reject(case_id, 1, "不符"), office.services, account_actor(manager))
    assert office.case(case_id).state is CaseState.PENDING
    office.approve(manager, case_id)


def test_a_case_that_is_not_his_to_decide_is_not_found_by_every_door(office: CaseOffice) -> None:
    stranger, plain = office.manager(office.team), office.official(office.bureau)
    office.manager(office.bureau)
    above = office.manager(office.ministry)
    case_id = office.apply()
    for account in (stranger, plain, above):
        actor = account_actor(account)
        with pytest.raises(NotFound):
            approve(Approve(case_id, 1), office.services, actor)
        with pytest.raises(NotFound):
            reject(Reject(case_id, 1, "no"), office.services, actor)
        with office.services.begin() as work:
            with pytest.raises(NotFound):
                work.cases.seen_by(account, case_id)
            assert queue(work.connection, account, office.clock.now(), TYPES, Page()).total == 0


def test_a_case_without_a_manager_goes_to_the_nearest_above_then_to_the_system_managers(office: CaseOffice) -> None:
    system = first_system_manager(
        FirstSystemManager("systemboss", "陳系統", "boss@example.org", office.top.oid or ""), office.services, OPERATOR
    )
    first = office.apply()
    with office.services.read() as connection:
        assert queue(connection, system, office.clock.now(), TYPES, Page()).total == 1
    above = office.manager(office.ministry)
    with office.services.begin(SYSTEM) as work:
        assert work.cases.deciding_agency(office.bureau.id, DECIDE_CASES) == office.ministry.id
        assert work.cases.deciding_agency(office.top.id, DECIDE_CASES) is None
    with office.services.read() as connection:
        assert [row.id for row in queue(connection, above, office.clock.now(), TYPES, Page()).rows] == [first]
    office.approve(above, first)


def test_a_manager_who_is_not_enabled_does_not_count_as_one(office: CaseOffice) -> None:
    waiting = office.official(office.bureau, enabled=False)
    appoint_manager(waiting, office.bureau.id, office.services, OPERATOR)
    above = office.manager(office.ministry)
    office.approve(above, office.apply())


def test_a_grant_with_subordinates_covers_the_subtree_even_where_it_has_managers(office: CaseOffice) -> None:
    office.manager(office.bureau)
    above = office.manager(office.top, with_subordinates=True)
    office.approve(above, office.apply())


def test_a_withdrawn_right_is_gone_at_once(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply()
    with office.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE grants SET ended_at = now()"))
    with pytest.raises(NotFound):
        approve(Approve(case_id, 1), office.services, account_actor(manager))


def test_a_rejection_needs_a_reason_tells_the_applicant_and_frees_the_name(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply(office.form(account_name="wangxm"))
    with pytest.raises(Invalid):
        reject(Reject(case_id, 1, "   "), office.services, account_actor(manager))
    reject(Reject(case_id, 1, "請補充資料"), office.services, account_actor(manager))
    mail = office.mails()[-1]
    assert mail["template"] == "case_rejected"
    assert mail["values"]["reason"] == "請補充資料"
    office.apply(office.form(account_name="wangxm"))


def test_an_agency_closed_between_application_and_decision_stops_the_approval(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply()
    with office.services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.text("UPDATE agencies SET closed_on = :day WHERE id = :id"),
            {"day": office.clock.now().date(), "id": office.bureau.id},
        )
    with pytest.raises(IllegalMove, match="agency_closed"):
        approve(Approve(case_id, 1), office.services, account_actor(manager))
    with pytest.raises(Invalid) as refusal:
        office.apply()
    assert refusal.value.fields == {"agency_id": "agency_closed"}


def test_an_agency_moved_between_application_and_decision_is_decided_where_it_is_now(office: CaseOffice) -> None:
    former = office.manager(office.ministry, with_subordinates=True)
    case_id = office.apply(office.form(office.team))
    with office.services.begin(SYSTEM) as work:
        new_path = office.top.path.child(office.team.id).text
        work.connection.execute(
            sa.text("UPDATE agencies SET parent_id = :top, path = :path WHERE id = :id"),
            {"top": office.top.id, "path": new_path, "id": office.team.id},
        )
    assert office.case(case_id).agency_path.text == new_path
    with pytest.raises(NotFound):
        approve(Approve(case_id, 1), office.services, account_actor(former))


def test_an_agency_may_list_the_mail_domains_it_accepts(office: CaseOffice) -> None:
    with office.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE agencies SET mail_domains = '{gov.tw}'"))
    office.apply(mailbox="p@bureau.gov.tw")
    for mailbox in ("p@example.org", "p@notgov.tw"):
        with pytest.raises(Invalid) as refusal:
            office.apply(mailbox=mailbox)
        assert refusal.value.fields == {"agency_id": "mail_domain_refused"}


def test_a_collision_is_shown_and_mended_by_another_name_without_touching_the_strangers(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply(office.form(account_name="wangxm"), mailbox="p@example.org")
    account_id = office.approve(manager, case_id)
    for _ in range(2):
        report_collision(account_id, office.services, SYSTEM)
    assert office.case(case_id).collision
    assert [mail["template"] for mail in office.mails()].count("name_collision") == 1
    browser = office.follow("p@example.org")
    with pytest.raises(Invalid):
        choose_name(ChooseName(browser, case_id, "Administrator"), office.services, APPLICANT)
    choose_name(ChooseName(browser, case_id, "wangxm2"), office.services, APPLICANT)
    assert not office.case(case_id).collision
    with office.services.begin(SYSTEM) as work:
        assert work.accounts.get(account_id).account_name == "wangxm2"
        assert not work.names.is_free("wangxm", now=work.now)


def test_people_who_might_be_the_same_are_shown_with_what_is_equal(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    known = office.official(office.bureau, name="王小明")
    elsewhere = office.official(office.team, mailbox="same@example.org")
    case_id = office.apply(mailbox="same@example.org")
    with office.services.reading() as work:
        found = duplicate_candidates(
            work.connection, manager, work.now, office.case(case_id), office.services.keys, work.case_types
        )
        one = duplicate_candidates(
            work.connection, manager, work.now, office.case(case_id), office.services.keys, work.case_types, most=1
        )
    by_same = {tuple(sorted(hit.same)): hit for hit in found.rows}
    assert not found.more
    assert (len(one.rows), one.more) == (1, True)
    assert by_same[("name",)].id == known
    hidden = by_same[("mailbox",)]
    assert not hidden.in_scope
    assert hidden.id is None
    assert hidden.fields == {}
    assert str(elsewhere) not in str(found)


def test_a_name_of_two_hundred_plane_two_characters_goes_through(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply(office.form(name="𠮷" * 32))
    account_id = office.approve(manager, case_id)
    with office.services.begin(SYSTEM) as work:
        assert work.accounts.get(account_id).profile.name == "𠮷" * 32


def test_the_queue_finds_words_literally_and_is_paged(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    office.apply(office.form(name="100%_王"))
    office.apply(office.form(name="100X王"))
    office.apply(office.form(name="陳大文"))
    with office.services.read() as connection:
        now = office.clock.now()
        assert queue(connection, manager, now, TYPES, Page(), QueueFilter(words="100%")).total == 1
        assert queue(connection, manager, now, TYPES, Page(), QueueFilter(words="_王")).total == 1
        second = queue(connection, manager, now, TYPES, Page(number=2, size=2))
        assert second.total == 3
        assert len(second.rows) == 1


def test_the_first_system_manager_is_made_once(office: CaseOffice) -> None:
    command = FirstSystemManager("systemboss", "陳系統", "boss@example.org", office.top.oid or "")
    first_system_manager(command, office.services, OPERATOR)
    with pytest.raises(IllegalMove, match="system_manager_exists"):
        first_system_manager(replace(command, account_name="another1"), office.services, OPERATOR)


def test_every_act_has_its_sealed_record(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    case_id = office.apply()
    office.approve(manager, case_id)
    with office.services.read() as connection:
        entries = timeline(connection, "case", str(case_id)).rows
        last = timeline(connection, "case", str(case_id), most=1)
        macs = connection.execute(sa.select(audit_records.c.mac)).scalars().all()
    assert [entry.action for entry in entries] == ["case.applied", "case.approved"]
    assert ([entry.action for entry in last.rows], last.more) == (["case.approved"], True)
    assert entries[1].actor_id == UUID(str(manager))
    assert all(len(mac) == 64 for mac in macs)


def test_a_proof_of_the_mailbox_ends_by_itself(office: CaseOffice) -> None:
    form = office.form()
    case_id = office.apply(form, mailbox="p@example.org")
    browser = office.follow("p@example.org")
    change_case(ChangeCase(browser, case_id, 1, form), office.services, APPLICANT)
    office.clock.advance(seconds=int(timedelta(hours=2).total_seconds()) + 1)
    with pytest.raises(NotFound, match="mailbox_not_verified"):
        withdraw(Withdraw(browser, case_id), office.services, APPLICANT)


def test_an_unknown_agency_or_one_without_people_is_refused(office: CaseOffice) -> None:
    with office.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE agencies SET kind='placeholder' WHERE id=:i"), {"i": office.top.id})
    for agency_id, fault in ((AgencyId(10**9), "agency_unknown"), (office.top.id, "agency_not_a_home")):
        with pytest.raises(Invalid) as refusal:
            office.apply(office.form(agency_id=agency_id))
        assert refusal.value.fields == {"agency_id": fault}


def test_two_operators_at_once_make_one_system_manager(office: CaseOffice) -> None:
    def act(number: int) -> AccountId | HufuError:
        place = (office.top, office.ministry)[number]
        command = FirstSystemManager(f"systemboss{number}", "陳系統", f"b{number}@example.org", place.oid or "")
        try:
            return first_system_manager(command, office.services, OPERATOR)
        except HufuError as fault:
            return fault

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(act, range(2)))
    assert [isinstance(outcome, IllegalMove) for outcome in outcomes].count(True) == 1
