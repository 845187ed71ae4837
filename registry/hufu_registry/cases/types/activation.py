"""申請個人公務帳號: its form, its rules, and the account that an approval makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import hufu_registry.accounts.use_cases as accounts
import hufu_registry.propagation.use_cases as propagation
from hufu_registry.accounts.model import (
    ACCOUNT_NAME,
    Account,
    AccountState,
    Entered,
    NameHolder,
    Profile,
    entered,
    name_key,
    typed,
)
from hufu_registry.agencies.model import HOMES, Agency, AgencyKind
from hufu_registry.cases.engine.model import Case, Form, Summary
from hufu_registry.cases.engine.use_cases.following import held_case, own_case
from hufu_registry.cases.engine.use_cases.notifications import record, tell_applicant
from hufu_registry.cases.engine.use_cases.ports import CaseType, Work
from hufu_registry.cases.notices import NAME_COLLISION
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId, PersonId
from hufu_registry.kernel.texts import REASON
from hufu_registry.kernel.work import Services


@dataclass(frozen=True, slots=True)
class Application(Entered):
    """What the applicant fills in. The profile's `unit_id` names a unit of the registry, `unit_name` any."""

    account_name: str = field(metadata=typed(ACCOUNT_NAME))
    agency_id: AgencyId | None = field(
        metadata=entered(fault=lambda agency_id: "agency_required" if agency_id is None else None)
    )
    profile: Profile
    wants_official_mail: bool = field(default=False, metadata=entered())
    reason: str = field(default="", metadata=typed(REASON))

    @property
    def summary(self) -> Summary:
        profile = self.profile
        return Summary(
            subject=profile.name,
            detail=profile.title,
            account_name=self.account_name,
            unit_id=profile.unit_id,
            unit_name=profile.unit_name,
            found_by=(profile.name, self.account_name),
            person={"mobile": profile.mobile},
            compared={"account_name": self.account_name, **profile.compared()},
        )


@dataclass(frozen=True, slots=True)
class ChooseName:
    browser: str
    case_id: CaseId
    account_name: str


def application_in(form: Form) -> Application:
    """Raises NotFound("case") for the form of another type."""
    if not isinstance(form, Application):
        raise NotFound("case")
    return form


def application_of(case: Case) -> Application:
    """The form of a case of this type. Raises NotFound("case") for one of another."""
    return application_in(case.form)


def checked_application(work: Work, form: Form, mailbox: str) -> tuple[Agency, Application]:
    """The agency applied to, and the application as it is stored. Raises Invalid with every fault at once."""
    application = application_in(form).cleaned()
    faults = application.faults()
    agency = None
    if application.agency_id is not None:
        agency, application, agency_faults = place_of(work, application, mailbox)
        faults |= agency_faults
    if faults or agency is None:
        raise Invalid(fields=faults)
    return agency, application


def place_of(work: Work, application: Application, mailbox: str) -> tuple[Agency | None, Application, dict[str, str]]:
    """Where the applicant belongs: a unit that was chosen, or named so, becomes the account's unit at its agency."""
    try:
        chosen = work.agencies.get(application.agency_id or AgencyId(0))
        if application.profile.unit_id is not None:
            unit = work.agencies.get(application.profile.unit_id)
            if unit.home_id != chosen.home_id or unit.kind is not AgencyKind.UNIT:
                return None, application, {"unit_name": "unit_elsewhere"}
            chosen = unit
    except NotFound:
        return None, application, {"agency_id": "agency_unknown"}
    agency = work.agencies.get(chosen.home_id)
    if agency.kind not in HOMES:
        return None, application, {"agency_id": "agency_not_a_home"}
    today = taipei_date(work.now)
    if not agency.is_open(today) or not chosen.is_open(today):
        return None, application, {"agency_id": "agency_closed"}
    if not agency.accepts(mailbox):
        return None, application, {"agency_id": "mail_domain_refused"}
    if chosen.kind is AgencyKind.UNIT:
        profile = replace(application.profile, unit_id=chosen.id, unit_name=chosen.name)
    else:
        profile = accounts.with_unit_named(work, agency, application.profile)
    return agency, replace(application, agency_id=agency.id, profile=profile), {}


def open_account(work: Work, services: Services[Work], case: Case, given: Mapping[str, str]) -> AccountId:
    """The account exists, and the targets and the activation mail follow. `official_mail` is what the manager entered.

    Raises Invalid(official_mail=…).
    """
    account = account_of(work, services, case, given.get("official_mail", ""))
    account.profile.check()
    accounts.check_official_mail(work, work.agencies.get(case.agency_id), account.profile, account.id)
    accounts.open_account(work, services, account, case_id=case.id)
    return account.id


def claim_name(work: Work, case: Case, before: Case | None) -> None:
    """The name is kept for the applicant until the case is decided. Raises Invalid(account_name="…taken")."""
    name = application_of(case).account_name
    if before is not None and name_key(name) == name_key(application_of(before).account_name):
        return
    try:
        accounts.take_name(work, name, NameHolder.CASE, case.id, case_id=case.id)
    except Conflict as taken:
        raise Invalid(fields={"account_name": taken.code}) from taken
    if before is not None:
        free_name(work, before)


def free_name(work: Work, case: Case) -> None:
    work.names.release(name_key(application_of(case).account_name), case.id, rest=False)


def account_of(work: Work, services: Services[Work], case: Case, official_mail: str) -> Account:
    application = application_of(case)
    profile = replace(
        application.profile, official_mail=official_mail if application.wants_official_mail else None
    ).cleaned()
    return Account(
        id=AccountId(services.ids.new()),
        person_id=PersonId(services.ids.new()),
        account_name=application.account_name,
        agency_id=case.agency_id,
        agency_path=case.agency_path,
        profile=profile,
        mailbox=case.mailbox,
        language=case.language,
        state=AccountState.NOT_ACTIVATED,
        created_at=work.now,
        approved_at=work.now,
        # The applicant proved the mailbox by a code.
        official_mail_proved_at=work.now if profile.official_mail == case.mailbox else None,
    )


def choose_name(command: ChooseName, services: Services[Work], actor: Actor) -> None:
    """After a collision the applicant takes another name; nobody's object was touched.

    Raises IllegalMove("no_collision"), Invalid(account_name=…).
    """
    wished = ACCOUNT_NAME.checked(command.account_name, "account_name")
    with services.begin(actor) as work:
        case = held_case(work, own_case(work, services, command.browser, command.case_id))
        if not case.collision or case.account_id is None:
            raise IllegalMove("no_collision")
        account = work.accounts.get(case.account_id, lock=True)
        if account.state is not AccountState.NOT_ACTIVATED:
            raise IllegalMove("account_state", state=account.state.value, move="choose_name")
        if not work.names.take(name_key(wished), NameHolder.ACCOUNT, account.id):
            raise Invalid(fields={"account_name": "account_name_taken"})
        # The old name stays taken: it belongs to the stranger's object that was found.
        work.accounts.save(replace(account, account_name=wished))
        work.cases.save(
            replace(
                case,
                collision=False,
                form=replace(application_of(case), account_name=wished),
                updated_at=work.now,
                version=case.version + 1,
            )
        )
        record(
            work,
            "case.name_chosen",
            case,
            old={"account_name": account.account_name},
            new={"account_name": wished},
        )
        propagation.enqueue_account(work, services, replace(account, account_name=wished))


def report_collision(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """The worker found the account's name to be somebody else's in a target; harmless when repeated."""
    with services.begin(actor) as work:
        case = work.cases.by_account(account_id)
        if case is None or case.collision:
            return
        collided = replace(work.cases.get(case.id, lock=True), collision=True)
        work.cases.save(replace(collided, version=collided.version + 1, updated_at=work.now))
        record(work, "case.name_collided", collided, new={"account_name": application_of(collided).account_name})
        tell_applicant(work, collided, NAME_COLLISION)


ACTIVATION = CaseType(
    "activation",
    form=Application,
    check=checked_application,
    approve=open_account,
    reserve=claim_name,
    give_up=free_name,
)
