"""Applying for an account, and following the application: one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import hufu_registry.sync.use_cases as sync
from hufu_registry.accounts.model import AccountState, NameHolder, name_fault, name_key
from hufu_registry.accounts.use_cases import take_name
from hufu_registry.agencies.model import HOMES, Agency, AgencyKind
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.model import Application, Case, CaseMove, CaseState, CaseType
from hufu_registry.cases.notices import CASE_RECEIVED, CASE_WITHDRAWN
from hufu_registry.cases.use_cases.notifications import record, tell_applicant, tell_deciders
from hufu_registry.cases.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AgencyId, CaseId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import Purpose, plain
from hufu_registry.people.use_cases import browser_key, mailbox_key, proved_mailbox


@dataclass(frozen=True, slots=True)
class Apply:
    """`form_key` is made with the form, so that sending it twice makes one case; `consent` the version shown."""

    browser: str
    application: Application
    consent: str
    form_key: str
    language: str


@dataclass(frozen=True, slots=True)
class Change:
    browser: str
    case_id: CaseId
    version: int
    application: Application


@dataclass(frozen=True, slots=True)
class Withdraw:
    browser: str
    case_id: CaseId


@dataclass(frozen=True, slots=True)
class ChooseName:
    browser: str
    case_id: CaseId
    account_name: str


def apply(command: Apply, services: Services[Work], actor: Actor) -> CaseId:
    """Store the application and tell applicant and reviewers.

    Raises NotFound("mailbox_not_verified"), Invalid(fields), Conflict("case_open") for a mailbox with an open
    case, Invalid(account_name="account_name_taken"). Sent again with the same form_key it returns the same case.
    """
    application = command.application.cleaned()
    form_key = f"{browser_key(services, command.browser)}:{command.form_key}"
    with services.begin(actor) as work:
        mailbox = proved_mailbox(command.browser, Purpose.APPLY, services, work)
        key = mailbox_key(services, mailbox)
        work.mailboxes.lock_mailbox(key)
        sent_before = work.cases.by_form_key(form_key)
        if sent_before is not None:
            return sent_before.id
        if work.cases.has_open(key):
            raise Conflict("case_open")
        if command.consent != CURRENT.version:
            raise Invalid(fields={"consent": "consent_required"})
        agency, application = checked_application(work, application, mailbox)
        case = Case(
            id=CaseId(services.ids.new()),
            number=work.cases.next_number(),
            type=CaseType.ACTIVATION,
            state=CaseState.PENDING,
            application=application,
            agency_id=agency.id,
            agency_path=agency.path,
            mailbox=mailbox,
            language=command.language,
            consent_version=command.consent,
            created_at=work.now,
            updated_at=work.now,
        )
        claim_name(work, case, application.account_name)
        work.cases.add(case, form_key=form_key)
        record(work, "case.applied", case, new={**application.audited(), "consent": command.consent})
        tell_applicant(work, case, CASE_RECEIVED)
        tell_deciders(work, case)
    return case.id


def change(command: Change, services: Services[Work], actor: Actor) -> None:
    """The applicant changes his application until it is decided (S1-087).

    Raises as `apply` does, IllegalMove("case_state") once decided, Conflict("changed_meanwhile").
    """
    application = command.application.cleaned()
    with services.begin(actor) as work:
        case = own_case(work, services, command.browser, command.case_id)
        case.after(CaseMove.CHANGE)
        if case.version != command.version:
            raise Conflict("changed_meanwhile")
        agency, application = checked_application(work, application, case.mailbox)
        if name_key(application.account_name) != name_key(case.application.account_name):
            claim_name(work, case, application.account_name)
            work.names.release(name_key(case.application.account_name), case.id, rest=False)
        changed = replace(
            case,
            application=application,
            agency_id=agency.id,
            agency_path=agency.path,
            updated_at=work.now,
            version=case.version + 1,
        )
        work.cases.save(changed)
        old, new = case.application.audited(), application.audited()
        record(
            work,
            "case.changed",
            changed,
            old={field: value for field, value in old.items() if new[field] != value},
            new={field: value for field, value in new.items() if old[field] != value},
        )
        if agency.id != case.agency_id:
            tell_deciders(work, changed)


def withdraw(command: Withdraw, services: Services[Work], actor: Actor) -> None:
    """The applicant takes it back before it is decided; the name is free again at once."""
    with services.begin(actor) as work:
        case = own_case(work, services, command.browser, command.case_id)
        withdrawn = replace(case, state=case.after(CaseMove.WITHDRAW), updated_at=work.now, version=case.version + 1)
        work.cases.save(withdrawn)
        work.names.release(name_key(case.application.account_name), case.id, rest=False)
        record(work, "case.withdrawn", withdrawn)
        tell_applicant(work, withdrawn, CASE_WITHDRAWN)


def case_of_mailbox(browser: str, services: Services[Work], actor: Actor) -> Case | None:
    """What became of the application of the mailbox this browser proved. Raises NotFound("mailbox_not_verified")."""
    with services.begin(actor) as work:
        mailbox = proved_mailbox(browser, Purpose.FOLLOW, services, work)
        return work.cases.newest_of_mailbox(mailbox_key(services, mailbox))


def choose_name(command: ChooseName, services: Services[Work], actor: Actor) -> None:
    """After a collision the applicant takes another name; nobody's object was touched.

    Raises IllegalMove("no_collision"), Invalid(account_name=…).
    """
    wished = plain(command.account_name)
    fault = name_fault(wished)
    if fault:
        raise Invalid(fields={"account_name": fault})
    with services.begin(actor) as work:
        case = own_case(work, services, command.browser, command.case_id)
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
                application=replace(case.application, account_name=wished),
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
        sync.enqueue_account(work, services, replace(account, account_name=wished))


def checked_application(work: Work, application: Application, mailbox: str) -> tuple[Agency, Application]:
    """The agency applied to, and the application as it is stored. Raises Invalid with every fault at once."""
    faults = application.faults()
    agency = None
    if application.agency_id is not None:
        agency, application, agency_faults = place_of(work, application, mailbox)
        faults |= agency_faults
    if faults or agency is None:
        raise Invalid(fields=faults)
    return agency, application


def place_of(work: Work, application: Application, mailbox: str) -> tuple[Agency | None, Application, dict[str, str]]:
    """Where the applicant belongs: a unit that was chosen becomes the account's unit at its agency."""
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
    profile = replace(application.profile, unit_id=None)
    if chosen.kind is AgencyKind.UNIT:
        profile = replace(profile, unit_id=chosen.id, unit_name=chosen.name)
    return agency, replace(application, agency_id=agency.id, profile=profile), {}


def claim_name(work: Work, case: Case, account_name: str) -> None:
    try:
        take_name(work, account_name, NameHolder.CASE, case.id, case_id=case.id)
    except Conflict as taken:
        raise Invalid(fields={"account_name": taken.code}) from taken


def own_case(work: Work, services: Services[Work], browser: str, case_id: CaseId) -> Case:
    """The applicant's case, locked. A foreign case is NotFound, like none at all."""
    mailbox = proved_mailbox(browser, Purpose.FOLLOW, services, work)
    case = work.cases.get(case_id, lock=True)
    if case.mailbox != mailbox:
        raise NotFound("case")
    return case
