"""From one state to the next, and from one agency to another. What joins another transaction leaves the rights to it.

Every act locks in one order, so that no two wait for each other: agencies in id order, grants in id order, accounts.
What takes a manager away counts who is left under these locks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from hufu_registry.accounts.model import WHY, Account, AccountMove, AccountState, DisableCause, name_key
from hufu_registry.accounts.permissions import EDIT_ACCOUNTS, SUSPEND_ACCOUNTS
from hufu_registry.accounts.use_cases.moves import move_account
from hufu_registry.accounts.use_cases.notifications import tell_managers_above
from hufu_registry.accounts.use_cases.permission import account_to_change, require_on_account
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.agencies.model import HOMES, Agency, AgencyPolicy, lies_under
from hufu_registry.audit.model import differences
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.model import ActionKind
from hufu_registry.propagation.use_cases import enqueue_account, enqueue_agencies, request_action
from hufu_registry.rights.model import Grant
from hufu_registry.rights.use_cases import end_grants, keep_a_manager


def disable_account(account_id: AccountId, services: Services[Work], actor: Actor, *, reason: str) -> Account:
    """Nobody signs in with it any more, and its sessions end.

    Raises NotFound("account") outside the asker's scope, Denied("wider_rights"), IllegalMove("account_state"),
    IllegalMove("last_manager", agency).
    """
    reason = WHY.checked(reason, "reason")
    with services.begin(actor) as work:
        account, grants = lock_account_and_grants(work, account_id)
        require_on_account(work, actor, EDIT_ACCOUNTS, account)
        work.require_as_wide([account_id])
        return disable_locked(work, services, account, grants, reason=reason)


def disable(work: Work, services: Services[Work], account_id: AccountId, *, reason: str, bulk: bool = False) -> Account:
    """The same within the caller's transaction."""
    account, grants = lock_account_and_grants(work, account_id)
    return disable_locked(work, services, account, grants, reason=reason, bulk=bulk)


def suspend_account(account_id: AccountId, services: Services[Work], actor: Actor, *, reason: str = "") -> Account:
    """Emergency suspension, of a misused account or one whose password is in wrong hands: of whoever has wider rights
    than the asker too, and of an agency's last manager, whose cases come up to those above. They are mailed.

    Raises NotFound("account") outside the asker's scope, IllegalMove("account_state"),
    IllegalMove("last_manager") for the last system manager: nobody could appoint another.
    """
    # In an emergency there may be no time for words.
    reason = replace(WHY, missing=None).checked(reason, "reason")
    with services.begin(actor) as work:
        account, grants = lock_account_and_grants(work, account_id)
        require_on_account(work, actor, SUSPEND_ACCOUNTS, account)
        suspended = disable_locked(work, services, account, grants, reason=reason, cause=DisableCause.SECURITY)
        tell_managers_above(work, suspended)
    return suspended


def disable_locked(
    work: Work,
    services: Services[Work],
    account: Account,
    grants: Sequence[Grant],
    *,
    reason: str = "",
    cause: DisableCause | None = None,
    bulk: bool = False,
) -> Account:
    """Within the transaction that locked the account and its grants by `lock_account_and_grants`."""
    in_emergency = cause is DisableCause.SECURITY
    keep_a_manager(work, account, [grant for grant in grants if grant.agency_id is None or not in_emergency])
    disabled = move_account(work, account, AccountMove.DISABLE, reason=reason, cause=cause)
    request_action(work, services, ActionKind.END_SESSIONS, account.id)
    enqueue_account(work, services, disabled, bulk=bulk)
    return disabled


def restore_account(account_id: AccountId, services: Services[Work], actor: Actor, *, reason: str) -> Account:
    """Approved anew: nothing old opens it, and its person is mailed a link.

    Raises NotFound("account") outside the asker's scope, Denied("wider_rights"), IllegalMove("account_state"),
    IllegalMove("agency_closed").
    """
    reason = WHY.checked(reason, "reason")
    with services.begin(actor) as work:
        account = account_to_change(work, actor, EDIT_ACCOUNTS, account_id)
        if not work.agencies.get(account.agency_id).is_open(taipei_date(work.now)):
            raise IllegalMove("agency_closed")
        restored = move_account(work, account, AccountMove.RESTORE, reason=reason)
        for kind in (ActionKind.RESET_CREDENTIALS, ActionKind.END_SESSIONS, ActionKind.ACTIVATION_MAIL):
            request_action(work, services, kind, account_id)
        enqueue_account(work, services, restored)
    return restored


def delete_account(account_id: AccountId, services: Services[Work], actor: Actor, *, reason: str) -> Account:
    """Its rights end and its name rests; the targets keep it, disabled, for the policy's waiting time.

    Raises NotFound("account") outside the asker's scope, Denied("wider_rights"), IllegalMove("account_state") for one
    that is not disabled.
    """
    reason = WHY.checked(reason, "reason")
    with services.begin(actor) as work:
        account, grants = lock_account_and_grants(work, account_id)
        require_on_account(work, actor, EDIT_ACCOUNTS, account)
        work.require_as_wide([account_id])
        return _delete(work, services, account, grants, reason=reason)


def delete(work: Work, services: Services[Work], account_id: AccountId, *, reason: str, bulk: bool = False) -> Account:
    """The same within the caller's transaction."""
    account, grants = lock_account_and_grants(work, account_id)
    return _delete(work, services, account, grants, reason=reason, bulk=bulk)


def _delete(
    work: Work, services: Services[Work], account: Account, grants: Sequence[Grant], *, reason: str, bulk: bool = False
) -> Account:
    deleted = move_account(work, account, AccountMove.DELETE, reason=reason)
    end_grants(work, grants, reason="account_deleted")
    work.names.release(name_key(account.account_name), account.id, rest=True)
    enqueue_account(work, services, deleted, bulk=bulk)
    enqueue_agencies(work, deleted.agency_path.ids)
    return deleted


def transfer(
    work: Work, services: Services[Work], account_id: AccountId, agency_id: AgencyId, *, bulk: bool = False
) -> Account:
    """It belongs to another agency from now on; every right ends that is not rooted there or strictly above both.

    Joins the caller's transaction: the guard's TransferAccounts is the door, and asks at both agencies. Raises
    IllegalMove("account_state") for a deleted one, IllegalMove("agency_not_a_home"), IllegalMove("agency_closed"),
    IllegalMove("last_manager", agency), Conflict("changed_meanwhile").
    """
    new = work.agencies.get(agency_id)
    above_both = {*work.accounts.get(account_id).agency_path.ids, *new.path.ids}
    account, grants = lock_account_and_grants(work, account_id, changing=above_both)
    if account.agency_id == agency_id:
        return account
    if account.state is AccountState.DELETED:
        raise IllegalMove("account_state", state=account.state.value, move="transfer")
    if new.kind not in HOMES:
        raise IllegalMove("agency_not_a_home")
    if not new.is_open(taipei_date(work.now)):
        raise IllegalMove("agency_closed")
    old = work.agencies.get(account.agency_id)
    ending = [grant for grant in grants if not outlives_transfer(grant, old, new)]
    keep_a_manager(work, account, ending)
    end_grants(work, ending, reason="transferred")
    moved = moved_to(account, new, work.policy_at(new), now=work.now)
    work.accounts.save(moved)
    work.audit.record(
        "account.transferred",
        object_kind="account",
        object_id=str(account.id),
        agency_id=new.id,
        old={"agency_id": account.agency_id} | _lost(account, moved),
        new={"agency_id": new.id},
    )
    enqueue_account(work, services, moved, bulk=bulk)
    enqueue_agencies(work, account.agency_path.ids)
    return moved


def outlives_transfer(grant: Grant, old: Agency, new: Agency) -> bool:
    """Whether a right stays: a system manager's, one rooted in the new agency, or strictly above both."""
    if grant.agency_path is None or grant.agency_id == new.id:
        return True
    return grant.agency_id != old.id and grant.agency_path.covers(old.path) and grant.agency_path.covers(new.path)


def moved_to(account: Account, new: Agency, policy: AgencyPolicy, *, now: datetime) -> Account:
    """Without the old agency's unit, and without an official mailbox that is none of the new one's domains."""
    mail = account.profile.official_mail
    kept = mail if mail and lies_under(mail, policy.official_mail_domains) else None
    profile = replace(account.profile, unit_id=None, unit_name="", official_mail=kept)
    return replace(account.with_profile(profile, now=now), agency_id=new.id, agency_path=new.path)


def _lost(account: Account, moved: Account) -> dict[str, object]:
    lost, _kept = differences(account.profile.audited(), moved.profile.audited())
    return lost


def unlock_account(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """Whoever tried too often may try again, everywhere.

    Raises Denied("wider_rights"), IllegalMove("account_state") for a deleted one.
    """
    with services.begin(actor) as work:
        account = account_to_change(work, actor, EDIT_ACCOUNTS, account_id)
        if account.state is AccountState.DELETED:
            raise IllegalMove("account_state", state=account.state.value, move="unlock")
        work.sign_in_locks.unlock(account_id)
        _act(work, services, ActionKind.UNLOCK, account, "account.unlocked")


def require_password_change(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """At the next sign-in the person chooses a new one.

    Raises Denied("wider_rights"), IllegalMove("account_state") unless it is enabled.
    """
    with services.begin(actor) as work:
        account = account_to_change(work, actor, EDIT_ACCOUNTS, account_id)
        if account.state is not AccountState.ENABLED:
            raise IllegalMove("account_state", state=account.state.value, move="require_password_change")
        _act(work, services, ActionKind.MUST_CHANGE, account, "account.password_change_required")


def _act(work: Work, services: Services[Work], kind: ActionKind, account: Account, recorded_as: str) -> None:
    request_action(work, services, kind, account.id)
    enqueue_account(work, services, account)
    work.audit.record(recorded_as, object_kind="account", object_id=str(account.id), agency_id=account.agency_id)


def lock_account_and_grants(
    work: Work, account_id: AccountId, *, changing: Collection[AgencyId] = ()
) -> tuple[Account, Sequence[Grant]]:
    """The account and its rights, locked, in the order of all acts: agencies, grants (the asker's too), accounts.

    Of the agencies those change whose managers may, and `changing`; its own is shared. Raises
    Conflict("changed_meanwhile") where it came to stand elsewhere, or was given a right, while we waited.
    """
    seen, may_end = work.accounts.get(account_id), work.grants.standing([account_id])
    places = {grant.agency_id for grant in may_end if grant.agency_id is not None}
    work.agencies.lock([seen.agency_id], changing=places.union(changing))
    work.grants.lock(may_end, work.actor.account_id)
    account = work.accounts.get(account_id, lock=True)
    grants = work.grants.standing([account_id])
    if account.agency_path != seen.agency_path or not {grant.id for grant in grants} <= {grant.id for grant in may_end}:
        raise Conflict("changed_meanwhile")
    return account, grants
