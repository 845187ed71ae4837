"""An official mailbox is published once it is proved: within the agency's domains, one account's, by a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from hufu_registry import migrating
from hufu_registry.accounts.model import Account
from hufu_registry.accounts.use_cases import ChangeAccount, change_account, prove_official_mail
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import timeline
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.use_cases import Approve, approve
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.store import outbox
from hufu_registry.people.model import Purpose
from hufu_registry.sync.model.desired import DirectorySchema, KeycloakSchema
from tests.kit.accounts import official, official_domains
from tests.kit.cases import CaseOffice, Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code, signed_in
from tests.kit.guard import transfer_account

MAIL = "wang@ministry.gov.tw"
BROWSER = "his browser"


@pytest.fixture
def office(services: SqlServices, chain: Sequence[Agency], clock: SetClock) -> CaseOffice:
    official_domains(services, chain[1], "ministry.gov.tw")
    return CaseOffice(services, chain, clock)


def account(services: SqlServices, account_id: AccountId) -> Account:
    with services.begin(SYSTEM) as work:
        return work.accounts.get(account_id)


def give(services: SqlServices, account_id: AccountId, mail: str | None) -> Account:
    """What a manager enters."""
    seen = account(services, account_id)
    command = ChangeAccount(account_id, seen.version, replace(seen.profile, official_mail=mail))
    change_account(command, services, SYSTEM)
    return account(services, account_id)


def prove(office: CaseOffice, account_id: AccountId, mail: str = MAIL) -> Account:
    office.prove(BROWSER, mail, Purpose.OFFICIAL_MAIL)
    return prove_official_mail(BROWSER, office.services, account_actor(account_id))


def published(services: SqlServices, agency: Agency, account_id: AccountId) -> set[object]:
    """What each target is to say."""
    seen = account(services, account_id)
    directory = DirectorySchema("hufu.test").account(seen, agency, "", None)
    keycloak = KeycloakSchema(with_directory=False).account(seen, agency, "", None)
    return {directory.fields["mail"], keycloak.fields["official_mail"]}


def test_without_domains_nobody_has_one(services: SqlServices, chain: Sequence[Agency]) -> None:
    one = official(services, chain[2]).id
    with pytest.raises(Invalid, match="official_mail_none"):
        give(services, one, "wang@agency.gov.tw")


@pytest.mark.parametrize("mail", ["wang@gov.tw", "wang@other.gov.tw", "wang@notministry.gov.tw", "wang@team.gov.tw"])
def test_only_the_nearest_domains_count(
    office: CaseOffice, services: SqlServices, chain: Sequence[Agency], mail: str
) -> None:
    one, other = official(services, chain[2]).id, official(services, chain[3]).id
    official_domains(services, chain[3], "team.gov.tw")
    with pytest.raises(Invalid, match="official_mail_domain"):
        give(services, one, mail)
    assert give(services, one, "wang@sub.ministry.gov.tw").profile.official_mail == "wang@sub.ministry.gov.tw"
    with pytest.raises(Invalid, match="official_mail_domain"):
        give(services, other, MAIL)


def test_it_is_published_once_its_owner_has_entered_the_code(
    office: CaseOffice, services: SqlServices, chain: Sequence[Agency]
) -> None:
    one = official(services, chain[2]).id
    assert give(services, one, MAIL).published_mail is None
    assert published(services, chain[2], one) == {""}
    prove(office, one)
    assert published(services, chain[2], one) == {MAIL}
    with services.begin(SYSTEM) as work:
        last = timeline(work.connection, "account", str(one)).rows[-1]
    assert last.action == "account.official_mail_proved"
    assert give(services, one, f"other.{MAIL}").published_mail is None
    assert published(services, chain[2], one) == {""}


def test_a_proof_is_the_owners_for_just_that_mailbox_and_from_that_browser(
    office: CaseOffice, services: SqlServices, chain: Sequence[Agency]
) -> None:
    one, other = official(services, chain[2]).id, official(services, chain[2]).id
    give(services, one, MAIL)
    with pytest.raises(NotFound, match="mailbox_not_verified"):
        prove_official_mail(BROWSER, services, account_actor(one))
    office.prove(BROWSER, MAIL, Purpose.APPLY)
    with pytest.raises(NotFound, match="mailbox_not_verified"):
        prove_official_mail(BROWSER, services, account_actor(one))
    office.prove(BROWSER, MAIL, Purpose.OFFICIAL_MAIL)
    with pytest.raises(NotFound, match="mailbox_not_verified"):
        prove_official_mail("another browser", services, account_actor(one))
    with pytest.raises(IllegalMove, match="official_mail_changed"):
        prove_official_mail(BROWSER, services, account_actor(other))
    with pytest.raises(NotFound, match="account"):
        prove_official_mail(BROWSER, services, OPERATOR)
    give(services, one, f"other.{MAIL}")
    with pytest.raises(IllegalMove, match="official_mail_changed"):
        prove_official_mail(BROWSER, services, account_actor(one))


def test_two_may_name_it_and_the_first_to_prove_it_has_it(
    office: CaseOffice, services: SqlServices, chain: Sequence[Agency]
) -> None:
    one, other, third = (official(services, chain[2]).id for _ in range(3))
    give(services, one, MAIL)
    give(services, other, MAIL)
    prove(office, one)
    with pytest.raises(Invalid, match="official_mail_taken"):
        prove(office, other)
    with pytest.raises(Invalid, match="official_mail_taken"):
        give(services, third, MAIL)
    # The database says the same where two come at once.
    with pytest.raises(Conflict, match="official_mail_taken"), services.begin(SYSTEM) as work:
        work.accounts.save(replace(work.accounts.get(other), official_mail_proved_at=work.now))


def test_it_does_not_go_along_where_its_domain_is_not(
    office: CaseOffice, services: SqlServices, chain: Sequence[Agency]
) -> None:
    one, other = official(services, chain[2]).id, official(services, chain[2]).id
    give(services, one, MAIL)
    prove(office, one)
    transfer_account(one, chain[3].id, services, SYSTEM)
    assert account(services, one).published_mail == MAIL
    transfer_account(one, chain[0].id, services, SYSTEM)
    moved = account(services, one)
    assert (moved.profile.official_mail, moved.official_mail_proved_at) == (None, None)
    assert give(services, other, MAIL).published_mail is None


def test_the_mailbox_proved_in_the_application_needs_no_other_code(office: CaseOffice) -> None:
    manager = office.manager(office.bureau)
    for mailbox, is_published in ((MAIL, True), ("a@example.org", False)):
        mail = MAIL if is_published else f"x{MAIL}"
        case_id = office.apply(office.form(wants_official_mail=True), mailbox=mailbox)
        command = Approve(case_id, office.case(case_id).version, {"official_mail": mail})
        one = approve(command, office.services, account_actor(manager))
        assert one is not None
        opened = account(office.services, one)
        assert opened.profile.official_mail == mail
        assert (opened.published_mail == mail) is is_published


def test_one_proves_it_on_the_page_of_ones_own_account_and_managers_see_it(
    app: Flask, office: CaseOffice, services: SqlServices, chain: Sequence[Agency], clock: SetClock
) -> None:
    one, manager = official(services, chain[2]).id, office.manager(chain[2])
    give(services, one, MAIL)
    mine, managers = signed_in(app, services, one), signed_in(app, services, manager)
    assert "尚未驗證" in mine.get("/me").text
    assert "尚未驗證" in managers.get(f"/accounts/{one}").text
    clock.advance(seconds=61)
    assert mine.post("/me/official-mail/code").location == "/me/official-mail"
    assert MAIL in mine.get("/me/official-mail").text
    assert mine.post("/me/official-mail", data={"code": "00000x"}).status_code == 422
    assert mine.post("/me/official-mail", data={"code": last_code(services)}).location == "/me"
    assert account(services, one).published_mail == MAIL
    assert "尚未驗證" not in managers.get(f"/accounts/{one}").text
    assert mine.get("/me/official-mail").location == "/me"


def test_system_managers_set_the_domains_of_an_agency(
    app: Flask, services: SqlServices, chain: Sequence[Agency], clock: SetClock, system_manager: Account
) -> None:
    desk = Desk(services, chain, clock, app)
    page = f"/agencies/{desk.bureau.id}/official-domains"
    assert desk.browser(desk.manager(desk.bureau)).get(page).status_code == 403
    administrator = desk.browser(system_manager.id)
    assert administrator.post(page, data={"domains": "com.tw"}).status_code == 422
    assert administrator.post(page, data={"domains": "b.gov.tw\r\na.gov.tw"}).status_code == 303
    with services.begin(SYSTEM) as work:
        assert set(work.policy_at(desk.team).official_mail_domains) == {"a.gov.tw", "b.gov.tw"}
    assert "b.gov.tw" in administrator.get(f"/agencies/{desk.team.id}").text
    assert administrator.post(page, data={"domains": ""}).status_code == 303
    with services.begin(SYSTEM) as work:
        assert work.policy_at(desk.bureau).official_mail_domains == ()


def test_what_stood_before_counts_as_proved_within_the_domains_alone(
    office: CaseOffice, services: SqlServices, chain: Sequence[Agency]
) -> None:
    within, twice, again, without = (f"{name}@ministry.gov.tw" for name in ("a", "b", "b", "c"))
    places = {within: chain[3], "d@gov.tw": chain[2], without: chain[0]}
    people = {mail: official(services, place, official_mail=mail).id for mail, place in places.items()}
    both = [official(services, chain[2], official_mail=mail).id for mail in (twice, again)]
    with services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(outbox).values(applied_generation=outbox.c.generation))
    migrating.downgrade(services.engine, services.keys, "0018-1")
    migrating.upgrade(services.engine, services.keys)
    proved = {mail for mail, one in people.items() if account(services, one).published_mail}
    assert proved == {within}
    assert [account(services, one).published_mail for one in both] == [None, None]
    with services.read() as connection:
        query = sa.select(outbox.c.object_id).where(outbox.c.generation > outbox.c.applied_generation)
        wanted = set(connection.execute(query).scalars())
    assert wanted == {str(one) for mail, one in people.items() if mail != within} | {str(one) for one in both}
