"""Applying for an account and deciding on it: one function, one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import hufu_registry.sessions.use_cases as sessions
import hufu_registry.sync.use_cases as sync
from hufu_registry.accounts.model import Account, AccountState, NameHolder, Profile, name_fault, name_key
from hufu_registry.accounts.use_cases import take_name
from hufu_registry.agencies.model import HOMES, Agency, AgencyKind
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.model import Application, Case, CaseMove, CaseState, CaseType, may_see
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, Denied, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId, PersonId
from hufu_registry.kernel.work import Services
from hufu_registry.notices.model import Template
from hufu_registry.people.model import MAILBOX_SHAPE, Purpose
from hufu_registry.people.use_cases import browser_key, mailbox_key, proved_mailbox
from hufu_registry.rights.model import Role
from hufu_registry.rights.use_cases import grant_role, require_system_manager


class Cases(Protocol):
    def next_number(self) -> int: ...

    def add(self, case: Case, *, form_key: str) -> None: ...

    def by_form_key(self, form_key: str) -> Case | None:
        """The case this very form made when it was sent before."""

    def get(self, case_id: CaseId, *, lock: bool = False) -> Case:
        """Raises NotFound("case")."""

    def by_account(self, account_id: AccountId) -> Case | None: ...

    def newest_of_mailbox(self, mailbox_key: str) -> Case | None:
        """The open case of the mailbox, else its newest."""

    def has_open(self, mailbox_key: str) -> bool: ...

    def save(self, case: Case) -> None:
        """Write a case that this transaction holds locked."""

    def deciding_agency(self, agency_id: AgencyId) -> AgencyId | None:
        """The agency itself, else the nearest above with an enabled manager rooted there; None: system managers."""

    def deciders(self, agency_id: AgencyId | None) -> Sequence[tuple[str, str]]:
        """(mailbox, language) of the enabled managers rooted at the agency; of system managers for None."""

    def is_same_person(self, case: Case, account_id: AccountId) -> bool:
        """Whether the case is the account owner's own: his mailbox or his mobile, on any of his accounts."""


class Work(sync.Work, sessions.Work, Protocol):
    @property
    def cases(self) -> Cases: ...


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
class Approve:
    """`version` is the case's as the manager saw it; `official_mail` is set where the applicant needs one."""

    case_id: CaseId
    version: int
    official_mail: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    case_id: CaseId
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChooseName:
    browser: str
    case_id: CaseId
    account_name: str


@dataclass(frozen=True, slots=True)
class FirstSystemManager:
    account_name: str
    name: str
    mailbox: str
    agency_oid: str
    title: str = "系統管理者"
    language: str = "zh_Hant_TW"


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
        tell_applicant(work, case, Template.CASE_RECEIVED)
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
        tell_applicant(work, withdrawn, Template.CASE_WITHDRAWN)


def approve(command: Approve, services: Services[Work], actor: Actor) -> AccountId:
    """Approve the application: the account exists, and the targets and the activation mail follow.

    Raises NotFound("case") for a case outside the scope, Denied("own_case"), IllegalMove("case_state"),
    Conflict("changed_meanwhile") when the applicant changed it after the manager looked, and
    IllegalMove("agency_closed").
    """
    official_mail = command.official_mail.strip().lower()
    if official_mail and not MAILBOX_SHAPE.match(official_mail):
        raise Invalid(fields={"official_mail": "mailbox_shape"})
    with services.begin(actor) as work:
        case = case_to_decide(work, actor, command.case_id, CaseMove.APPROVE, command.version)
        agency = work.agencies.get(case.agency_id)
        if not agency.is_open(taipei_date(work.now)):
            raise IllegalMove("agency_closed")
        account = account_of(work, services, case, official_mail or None)
        sync.open_account(work, services, account, case_id=case.id)
        decided = replace(decision(work, actor, case, CaseMove.APPROVE, ""), account_id=account.id)
        work.cases.save(decided)
        record(
            work,
            "case.approved",
            decided,
            old={"state": case.state.value},
            new={"state": decided.state.value},
        )
        tell_applicant(work, decided, Template.CASE_APPROVED)
    return account.id


def reject(command: Reject, services: Services[Work], actor: Actor) -> None:
    """Reject with a reason, which the applicant reads. Raises as `approve` does."""
    reason = " ".join(command.reason.split())
    if not reason:
        raise Invalid(fields={"reason": "required"})
    with services.begin(actor) as work:
        case = case_to_decide(work, actor, command.case_id, CaseMove.REJECT, command.version)
        decided = decision(work, actor, case, CaseMove.REJECT, reason)
        work.cases.save(decided)
        work.names.release(name_key(case.application.account_name), case.id, rest=False)
        record(
            work,
            "case.rejected",
            decided,
            old={"state": case.state.value},
            new={"state": decided.state.value, "reason": reason},
        )
        tell_applicant(work, decided, Template.CASE_REJECTED, reason=reason)


def case_of_mailbox(browser: str, services: Services[Work], actor: Actor) -> Case | None:
    """What became of the application of the mailbox this browser proved. Raises NotFound("mailbox_not_verified")."""
    with services.begin(actor) as work:
        mailbox = proved_mailbox(browser, Purpose.FOLLOW, services, work)
        return work.cases.newest_of_mailbox(mailbox_key(services, mailbox))


def report_collision(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """The worker found the account's name to be somebody else's in a target; harmless when repeated."""
    with services.begin(actor) as work:
        case = work.cases.by_account(account_id)
        if case is None or case.collision:
            return
        collided = replace(work.cases.get(case.id, lock=True), collision=True)
        work.cases.save(replace(collided, version=collided.version + 1, updated_at=work.now))
        record(work, "case.name_collided", collided, new={"account_name": collided.application.account_name})
        tell_applicant(work, collided, Template.NAME_COLLISION)


def choose_name(command: ChooseName, services: Services[Work], actor: Actor) -> None:
    """After a collision the applicant takes another name; nobody's object was touched.

    Raises IllegalMove("no_collision"), Invalid(account_name=…).
    """
    wished = command.account_name.strip()
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
        sync.want_account(work, services, replace(account, account_name=wished))


def first_system_manager(command: FirstSystemManager, services: Services[Work], actor: Actor) -> AccountId:
    """Make the account that appoints all others, and mail its link. Only while there is no system manager.

    Raises IllegalMove("system_manager_exists"), Invalid(fields), Conflict("account_name_taken").
    """
    fault = name_fault(command.account_name)
    faults = {"account_name": fault} if fault else {}
    if not MAILBOX_SHAPE.match(command.mailbox):
        faults["mailbox"] = "mailbox_shape"
    with services.begin(actor) as work:
        agency = work.agencies.find_by_oid(command.agency_oid)
        if agency is None or agency.kind not in HOMES:
            faults["agency_oid"] = "agency_unknown"
        if faults or agency is None:
            raise Invalid(fields=faults)
        work.agencies.lock([agency.id], for_change=True)
        if work.grants.any_system_manager():
            raise IllegalMove("system_manager_exists")
        account = Account(
            id=AccountId(services.ids.new()),
            person_id=PersonId(services.ids.new()),
            account_name=command.account_name,
            agency_id=agency.id,
            agency_path=agency.path,
            profile=Profile(name=command.name, title=command.title),
            mailbox=command.mailbox.lower(),
            language=command.language,
            state=AccountState.NOT_ACTIVATED,
            created_at=work.now,
            approved_at=work.now,
        )
        sync.open_account(work, services, account)
        grant_role(work, services, account.id, Role.SYSTEM_MANAGER, None)
    return account.id


def appoint_manager(
    account_id: AccountId,
    agency_id: AgencyId,
    services: Services[Work],
    actor: Actor,
    *,
    with_subordinates: bool = False,
) -> None:
    """A system manager (or an operator at the command) makes an account the manager of an agency."""
    with services.begin(actor) as work:
        if actor.account_id is not None:
            require_system_manager(work.grants.of(actor.account_id))
        work.agencies.lock([agency_id], for_change=True)
        account = work.accounts.get(account_id)
        if account.agency_id != agency_id and not account.agency_path.covers(work.agencies.get(agency_id).path):
            raise IllegalMove("manager_of_another_agency")
        grant_role(work, services, account_id, Role.AGENCY_MANAGER, agency_id, with_subordinates=with_subordinates)


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
        if application.unit_id is not None:
            unit = work.agencies.get(application.unit_id)
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
        return agency, replace(application, agency_id=agency.id, unit_id=chosen.id, unit_name=chosen.name), {}
    return agency, replace(application, agency_id=agency.id, unit_id=None), {}


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


def case_to_decide(work: Work, actor: Actor, case_id: CaseId, move: CaseMove, version: int) -> Case:
    """The case, locked and checked for this decision: agency rows first, then the asker's grants, then the case."""
    if actor.account_id is None:
        raise NotFound("case")
    seen = work.cases.get(case_id)
    work.agencies.lock(seen.agency_path.ids)
    rights = work.grants.of(actor.account_id, lock=True)
    case = work.cases.get(case_id, lock=True)
    if not may_see(rights, case, work.cases.deciding_agency(case.agency_id)):
        raise NotFound("case")
    if work.cases.is_same_person(case, actor.account_id):
        raise Denied("own_case")
    case.after(move)
    if case.version != version:
        raise Conflict("changed_meanwhile")
    return case


def decision(work: Work, actor: Actor, case: Case, move: CaseMove, reason: str) -> Case:
    return replace(
        case,
        state=case.after(move),
        decided_at=work.now,
        decided_by=actor.account_id,
        decision_reason=reason,
        updated_at=work.now,
        version=case.version + 1,
    )


def account_of(work: Work, services: Services[Work], case: Case, official_mail: str | None) -> Account:
    application = case.application
    return Account(
        id=AccountId(services.ids.new()),
        person_id=PersonId(services.ids.new()),
        account_name=application.account_name,
        agency_id=case.agency_id,
        agency_path=case.agency_path,
        profile=replace(
            application.profile(), official_mail=official_mail if application.wants_official_mail else None
        ),
        mailbox=case.mailbox,
        language=case.language,
        state=AccountState.NOT_ACTIVATED,
        created_at=work.now,
        approved_at=work.now,
    )


def record(
    work: Work,
    action: str,
    case: Case,
    *,
    old: dict[str, object] | None = None,
    new: dict[str, object] | None = None,
) -> None:
    work.audit.record(action, object_kind="case", object_id=str(case.id), agency_id=case.agency_id, old=old, new=new)


def tell_applicant(work: Work, case: Case, template: Template, **values: str) -> None:
    agency = work.agencies.get(case.agency_id)
    work.notices.send(
        template,
        case.mailbox,
        case.language,
        {
            "number": str(case.number),
            "name": case.application.name,
            "account_name": case.application.account_name,
            "agency": agency.full_name,
            **values,
        },
    )


def tell_deciders(work: Work, case: Case) -> None:
    """A case that waits is told to those who may decide it; the mail names no applicant."""
    agency = work.agencies.get(case.agency_id)
    for mailbox, language in work.cases.deciders(work.cases.deciding_agency(case.agency_id)):
        work.notices.send(
            Template.CASE_WAITING,
            mailbox,
            language,
            {"number": str(case.number), "agency": agency.full_name, "case_id": str(case.id)},
        )
