"""Filing a case of any type, and changing it until it is decided: one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hufu_registry.audit.model import differences
from hufu_registry.cases.engine.model import Case, CaseMove, CaseState, Form
from hufu_registry.cases.engine.use_cases.following import held_case, hold_agency, own_case
from hufu_registry.cases.engine.use_cases.notifications import deciders_at, record, tell_applicant, tell_deciders
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict, Invalid
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import browser_key, mailbox_key, proved_mailbox


@dataclass(frozen=True, slots=True)
class FileCase:
    """`form_key` is made with the form, so that sending it twice makes one case; `consent` is the version that was
    shown and agreed to.
    """

    browser: str
    type: str
    form: Form
    consent: str
    form_key: str
    language: str


@dataclass(frozen=True, slots=True)
class ChangeCase:
    browser: str
    case_id: CaseId
    version: int
    form: Form


def form_key_of(services: Services[Work], browser: str, key: str) -> str:
    return f"{browser_key(services, browser)}:{key}"


def sent_case(browser: str, key: str, services: Services[Work], work: Work) -> CaseId | None:
    """The case that came of the form with this key; read inside somebody else's transaction."""
    case = work.cases.by_form_key(form_key_of(services, browser, key))
    return None if case is None else case.id


def file_case(command: FileCase, services: Services[Work], actor: Actor) -> CaseId:
    """Store the form and tell applicant and reviewers.

    Raises NotFound("mailbox_not_verified"), Conflict("case_open") for a mailbox with an open case, Invalid with what
    the type says against the form. Sent again with the same form_key it returns the same case.
    """
    form_key = form_key_of(services, command.browser, command.form_key)
    with services.begin(actor) as work:
        kind = work.case_types[command.type]
        mailbox = proved_mailbox(command.browser, Purpose.APPLY, services, work)
        key = mailbox_key(services, mailbox)
        work.mailboxes.lock_mailbox(key)
        sent_before = work.cases.by_form_key(form_key)
        if sent_before is not None:
            return sent_before.id
        if work.cases.has_open(key):
            raise Conflict("case_open")
        agency, form = kind.check(work, command.form, mailbox)
        if command.consent != kind.consent.or_own(work.policy_at(agency).privacy_notice).version:
            raise Invalid(fields={"consent": "consent_required"})
        hold_agency(work, agency)
        case = Case(
            id=CaseId(services.ids.new()),
            number=work.cases.next_number(),
            type=kind.name,
            state=CaseState.PENDING,
            form=form,
            agency_id=agency.id,
            agency_path=agency.path,
            mailbox=mailbox,
            language=command.language,
            consent_version=command.consent,
            created_at=work.now,
            updated_at=work.now,
        )
        kind.reserve(work, case, None)
        work.cases.add(case, form_key=form_key)
        record(work, "case.applied", case, new={**form.audited(), "consent": command.consent})
        tell_applicant(work, case, kind.received)
        tell_deciders(work, case)
    return case.id


def change_case(command: ChangeCase, services: Services[Work], actor: Actor) -> None:
    """The applicant changes what he sent until it is decided (S1-087).

    Raises as `file_case` does, IllegalMove("case_state") once decided, Conflict("changed_meanwhile").
    """
    with services.begin(actor) as work:
        seen = own_case(work, services, command.browser, command.case_id)
        to_change(seen, command.version)
        kind = work.case_types[seen.type]
        agency, form = kind.check(work, command.form, seen.mailbox)
        case = held_case(work, seen, agency)
        to_change(case, command.version)
        changed = replace(
            case,
            form=form,
            agency_id=agency.id,
            agency_path=agency.path,
            updated_at=work.now,
            version=case.version + 1,
        )
        kind.reserve(work, changed, case)
        work.cases.save(changed)
        old, new = differences(case.form.audited(), form.audited())
        stood_at = work.audit.places("case", str(case.id))
        record(work, "case.changed", changed, old=old, new=new)
        if not {deciders_at(work, changed, place) for place in stood_at} & {deciders_at(work, changed, agency.id)}:
            tell_deciders(work, changed)


def to_change(case: Case, version: int) -> None:
    """Raises IllegalMove("case_state") once it is decided, Conflict("changed_meanwhile") for an old version."""
    case.after(CaseMove.CHANGE)
    if case.version != version:
        raise Conflict("changed_meanwhile")
