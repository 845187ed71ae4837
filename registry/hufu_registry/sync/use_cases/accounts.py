"""Accounts on their way into the targets: opened, changed, mailed a link, activated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hufu_registry.accounts.model import Account, AccountMove, AccountState, NameHolder, Profile
from hufu_registry.accounts.permissions import EDIT_ACCOUNTS, RESEND_ACTIVATION
from hufu_registry.accounts.use_cases import move_account, take_name
from hufu_registry.agencies.model import Agency, AgencyKind
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound, RateLimited
from hufu_registry.kernel.ids import AccountId, CaseId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import proved_mailbox
from hufu_registry.sync.model import ActionKind
from hufu_registry.sync.use_cases.enqueueing import enqueue_account, request_action
from hufu_registry.sync.use_cases.permission import require_on_account
from hufu_registry.sync.use_cases.ports import Work


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


def resend_activation(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """Mail a new activation link.

    Raises NotFound("account") outside the asker's scope, IllegalMove("already_activated"),
    IllegalMove("account_state"), RateLimited("activation_mail_wait", seconds).
    """
    with services.begin(actor) as work:
        account = work.accounts.get(account_id, lock=True)
        require_on_account(work, actor, RESEND_ACTIVATION, account)
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
    policy = work.policy
    if account.state is AccountState.ENABLED:
        raise IllegalMove("already_activated")
    if account.state is not AccountState.NOT_ACTIVATED:
        raise IllegalMove("account_state", state=account.state.value, move="resend_activation")
    count, last = work.actions.requested_since(ActionKind.ACTIVATION_MAIL, account.id, work.now - timedelta(days=1))
    if last is not None and work.now < last + policy.activation_mail_resend_after:
        wait = last + policy.activation_mail_resend_after - work.now
        raise RateLimited("activation_mail_wait", seconds=max(1, int(wait.total_seconds())))
    if count >= policy.activation_mails_per_day:
        raise RateLimited("activation_mails_used_up")
    request_action(work, services, ActionKind.ACTIVATION_MAIL, account.id)
    enqueue_account(work, services, account)
    work.audit.record(
        "account.activation_resent",
        object_kind="account",
        object_id=str(account.id),
        agency_id=account.agency_id,
    )


@dataclass(frozen=True, slots=True)
class ChangeAccount:
    """What a manager mends in an official's data; `version` is the account's as the manager saw it."""

    account_id: AccountId
    version: int
    profile: Profile


def change_account(command: ChangeAccount, services: Services[Work], actor: Actor) -> Account:
    """Change what an account says of its official; the targets follow.

    Raises NotFound("account") outside the asker's scope, Invalid(fields), Conflict("changed_meanwhile"),
    IllegalMove("account_state") for a deleted one.
    """
    with services.begin(actor) as work:
        account = work.accounts.get(command.account_id, lock=True)
        require_on_account(work, actor, EDIT_ACCOUNTS, account)
        if account.state is AccountState.DELETED:
            raise IllegalMove("account_state", state=account.state.value, move="change")
        profile = with_unit_of(work, account, command.profile.cleaned())
        profile.check()
        check_official_mail(work, work.agencies.get(account.agency_id), profile)
        if account.version != command.version:
            raise Conflict("changed_meanwhile")
        if profile == account.profile:
            return account
        changed = replace(account, profile=profile)
        work.accounts.save(changed)
        old, new = account.profile.audited(), profile.audited()
        work.audit.record(
            "account.changed",
            object_kind="account",
            object_id=str(account.id),
            agency_id=account.agency_id,
            old={field: value for field, value in old.items() if new[field] != value},
            new={field: value for field, value in new.items() if old[field] != value},
        )
        enqueue_account(work, services, changed)
    return changed


def check_official_mail(work: Work, agency: Agency, profile: Profile) -> None:
    """What tokens will call the official mailbox must be one. Raises Invalid(official_mail=…)."""
    mail = profile.official_mail
    if mail and not agency.may_publish(mail, work.policy_at(agency).official_mail_domains):
        raise Invalid(fields={"official_mail": "official_mail_domain"})


def with_unit_of(work: Work, account: Account, profile: Profile) -> Profile:
    """A unit must be one of the account's agency, and then gives its name."""
    if profile.unit_id is None:
        return profile
    unit = work.agencies.get(profile.unit_id)
    if unit.home_id != account.agency_id or unit.kind is not AgencyKind.UNIT:
        raise Invalid(fields={"unit_name": "unit_elsewhere"})
    return replace(profile, unit_name=unit.name)


def activate_account(account_id: AccountId, services: Services[Work], actor: Actor) -> bool:
    """Its person has set password and one-time password; false when it was not waiting for that."""
    with services.begin(actor) as work:
        account = work.accounts.get(account_id, lock=True)
        if account.state is not AccountState.NOT_ACTIVATED:
            return False
        move_account(work, account, AccountMove.ACTIVATE)
    return True


def converge_now(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """立即同步: bring the targets to what the registry says, at once; anybody's own account, too.

    Raises NotFound("account") outside the asker's scope.
    """
    with services.begin(actor) as work:
        account = work.accounts.get(account_id)
        if actor.account_id != account_id:
            require_on_account(work, actor, EDIT_ACCOUNTS, account)
        enqueue_account(work, services, account)
        work.audit.record("account.sync_requested", object_kind="account", object_id=str(account_id))
