"""Applying for an account, and mending the application: one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import hufu_registry.propagation.use_cases as propagation
from hufu_registry.accounts.model import AccountState, NameHolder, name_fault, name_key
from hufu_registry.accounts.use_cases import take_name
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.model import Case, CaseMove, CaseState
from hufu_registry.cases.engine.use_cases.following import own_case
from hufu_registry.cases.engine.use_cases.notifications import record, tell_applicant, tell_deciders
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.cases.notices import CASE_RECEIVED, NAME_COLLISION
from hufu_registry.cases.types.activation import ACTIVATION, Application, application_of, checked_application
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid
from hufu_registry.kernel.ids import AccountId, CaseId
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
            type=ACTIVATION.name,
            state=CaseState.PENDING,
            form=application,
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
        if name_key(application.account_name) != name_key(application_of(case).account_name):
            claim_name(work, case, application.account_name)
            work.names.release(name_key(application_of(case).account_name), case.id, rest=False)
        changed = replace(
            case,
            form=application,
            agency_id=agency.id,
            agency_path=agency.path,
            updated_at=work.now,
            version=case.version + 1,
        )
        work.cases.save(changed)
        old, new = application_of(case).audited(), application.audited()
        record(
            work,
            "case.changed",
            changed,
            old={field: value for field, value in old.items() if new[field] != value},
            new={field: value for field, value in new.items() if old[field] != value},
        )
        if agency.id != case.agency_id:
            tell_deciders(work, changed)


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


def claim_name(work: Work, case: Case, account_name: str) -> None:
    try:
        take_name(work, account_name, NameHolder.CASE, case.id, case_id=case.id)
    except Conflict as taken:
        raise Invalid(fields={"account_name": taken.code}) from taken


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
