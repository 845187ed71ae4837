"""Accounts on their way into the targets: opened, mailed a link, activated."""

from __future__ import annotations

from dataclasses import dataclass

from hufu_registry.accounts.model import (
    ACCOUNT_NAME,
    NAME,
    TITLE,
    Account,
    AccountMove,
    AccountState,
    NameHolder,
    Profile,
)
from hufu_registry.accounts.permissions import RESEND_ACTIVATION
from hufu_registry.accounts.use_cases.moves import move_account, take_name
from hufu_registry.accounts.use_cases.notifications import limit_link_mails
from hufu_registry.accounts.use_cases.permission import account_to_change, hold_places
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.agencies.model import HOMES
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, CaseId, PersonId
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import MAILBOX, Purpose
from hufu_registry.people.use_cases import proved_mailbox
from hufu_registry.propagation.model import ActionKind
from hufu_registry.propagation.use_cases import enqueue_account, request_action
from hufu_registry.rights.use_cases import grant_role


@dataclass(frozen=True, slots=True)
class FirstSystemManager:
    account_name: str
    name: str
    mailbox: str
    agency_oid: str
    title: str = "系統管理者"
    language: str = "zh_Hant_TW"


def open_account(work: Work, services: Services[Work], account: Account, *, case_id: CaseId | None = None) -> None:
    """Store an approved account, want it in the targets, and its activation mail after that.

    Raises Conflict("account_name_taken"). Joins the caller's transaction.
    """
    take_name(work, account.account_name, NameHolder.ACCOUNT, account.id, case_id=case_id)
    work.people.add(account.person_id, account.profile.name)
    work.accounts.add(account)
    request_action(work, services, ActionKind.ACTIVATION_MAIL, account.id)
    enqueue_account(work, services, account)
    work.audit.record(
        "account.opened",
        object_kind="account",
        object_id=str(account.id),
        agency_id=account.agency_id,
        new={
            "account_name": account.account_name,
            "agency_id": account.agency_id,
            "state": account.state.value,
        },
    )


def first_system_manager(command: FirstSystemManager, services: Services[Work], actor: Actor) -> AccountId:
    """Whoever is at the machine makes the account that appoints all others, which is mailed its link. Only while no
    system manager can sign in, or is on the way to it.

    Raises IllegalMove("system_manager_exists"), Invalid(fields), Conflict("account_name_taken").
    """
    account_name, mailbox = ACCOUNT_NAME.clean(command.account_name), MAILBOX.clean(command.mailbox)
    profile = Profile(name=command.name, title=command.title).cleaned()
    entered = {
        "account_name": ACCOUNT_NAME.fault(account_name),
        "mailbox": MAILBOX.fault(mailbox),
        "name": NAME.fault(profile.name),
        "title": TITLE.fault(profile.title),
    }
    faults = {name: fault for name, fault in entered.items() if fault}
    with services.begin(actor) as work:
        agency = work.agencies.find_by_oid(command.agency_oid)
        if agency is None or agency.kind not in HOMES:
            faults["agency_oid"] = "agency_unknown"
        if faults or agency is None:
            raise Invalid(fields=faults)
        work.agencies.lock([agency.id])
        holders = [work.accounts.get(account_id) for account_id in work.grants.system_managers()]
        if any(holder.state in {AccountState.NOT_ACTIVATED, AccountState.ENABLED} for holder in holders):
            raise IllegalMove("system_manager_exists")
        account = Account(
            id=AccountId(services.ids.new()),
            person_id=PersonId(services.ids.new()),
            account_name=account_name,
            agency_id=agency.id,
            agency_path=agency.path,
            profile=profile,
            mailbox=mailbox,
            language=command.language,
            state=AccountState.NOT_ACTIVATED,
            created_at=work.now,
            approved_at=work.now,
        )
        open_account(work, services, account)
        grant_role(work, services, account.id, Role.SYSTEM_MANAGER, None)
    return account.id


def resend_activation(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """Mail a new activation link.

    Raises NotFound("account") outside the asker's scope, IllegalMove("already_activated"),
    IllegalMove("account_state"), RateLimited("activation_mail_wait", seconds).
    """
    with services.begin(actor) as work:
        account = account_to_change(work, actor, RESEND_ACTIVATION, account_id)
        _resend(work, services, account)


def resend_own_activation(browser: str, account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """The same for whoever proved in this browser that the account's backup mailbox is his.

    Raises NotFound("mailbox_not_verified"), NotFound("account") for somebody else's, and what `resend_activation` does.
    """
    with services.begin(actor) as work:
        mailbox = proved_mailbox(browser, Purpose.RESEND, services, work)
        account = work.accounts.get(account_id, lock=True)
        if account.mailbox != mailbox:
            raise NotFound("account")
        _resend(work, services, account)


def _resend(work: Work, services: Services[Work], account: Account) -> None:
    if account.state is AccountState.ENABLED:
        raise IllegalMove("already_activated")
    if account.state is not AccountState.NOT_ACTIVATED:
        raise IllegalMove("account_state", state=account.state.value, move="resend_activation")
    limit_link_mails(work, ActionKind.ACTIVATION_MAIL, account.id)
    request_action(work, services, ActionKind.ACTIVATION_MAIL, account.id)
    enqueue_account(work, services, account)
    work.audit.record(
        "account.activation_resent",
        object_kind="account",
        object_id=str(account.id),
        agency_id=account.agency_id,
    )


def activate_account(account_id: AccountId, services: Services[Work], actor: Actor) -> bool:
    """The worker saw that its person has password and one-time password; false when it was not waiting for that."""
    with services.begin(actor) as work:
        hold_places(work, account_id)
        account = work.accounts.get(account_id, lock=True)
        if account.state is not AccountState.NOT_ACTIVATED:
            return False
        move_account(work, account, AccountMove.ACTIVATE)
    return True
