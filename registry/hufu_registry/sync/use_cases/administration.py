"""AD 同步管理作業: what a system manager, or an operator at the command, does about the targets and the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from hufu_registry.accounts.model import Account, AccountMove, AccountState
from hufu_registry.accounts.permissions import EDIT_ACCOUNTS
from hufu_registry.accounts.use_cases import account_to_change, hold_places, move_account
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import IllegalMove, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.texts import REASON
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.model import ActionKind, ActionState
from hufu_registry.propagation.use_cases import enqueue_account, enqueue_accounts, enqueue_agencies, request_action
from hufu_registry.rights.use_cases import require_everywhere
from hufu_registry.sync.model import RunCause, RunKind
from hufu_registry.sync.permissions import ADMINISTER_SYNC
from hufu_registry.sync.use_cases.ports import Work
from hufu_registry.sync.use_cases.runs import new_run, start_bulk_run

DROPPED = "dropped"


def require_administrator(work: Work, actor: Actor) -> None:
    require_everywhere(work.grants, actor, ADMINISTER_SYNC)


def pause_target(target: Target, why: str, services: Services[Work], actor: Actor) -> None:
    """Nothing is written there until somebody lets it go on; a second pause changes nothing.

    Raises Invalid(why="required").
    """
    reason = REASON.checked(why, "why")
    with services.begin(actor) as work:
        require_administrator(work, actor)
        if work.administration.pause(target, reason, actor.account_id):
            _record(work, "target.paused", "target", target.value, why=reason)


def resume_target(target: Target, services: Services[Work], actor: Actor) -> None:
    with services.begin(actor) as work:
        require_administrator(work, actor)
        if work.administration.resume(target):
            _record(work, "target.resumed", "target", target.value)


def retry_now(key: OutboxKey, services: Services[Work], actor: Actor) -> None:
    """Try it at once, parked or not. Raises NotFound("work") where nothing is to be done for it."""
    with services.begin(actor) as work:
        require_administrator(work, actor)
        if not work.administration.retry(key):
            raise NotFound("work")
        _record_work(work, "work.retried", key)


def drop_work(key: OutboxKey, why: str, services: Services[Work], actor: Actor) -> None:
    """Leave it undone, and the acts that wait with it; the next change or comparison brings it up again.

    Raises Invalid(why="required"), NotFound("work").
    """
    reason = REASON.checked(why, "why")
    with services.begin(actor) as work:
        require_administrator(work, actor)
        if not work.administration.drop(key):
            raise NotFound("work")
        if key.kind is Kind.ACCOUNT:
            for action in work.actions.waiting([_account_of(key)], key.target):
                work.actions.close(action.number, ActionState.FAILED, DROPPED)
        _record_work(work, "work.dropped", key, why=reason)


def make_again(key: OutboxKey, services: Services[Work], actor: Actor) -> None:
    """What is gone from a target is made anew there; a person whose password went with it activates it once more.

    In the directory the worker looks for an account first, and one that stands there again stays as it is: it would
    lose its activation.

    Raises NotFound("account"), NotFound("agency"), IllegalMove("account_state") for a deleted account,
    IllegalMove("not_missed") where no look has missed it.
    """
    with services.begin(actor) as work:
        hold_for_making(work, key)
        require_administrator(work, actor)
        if not work.administration.is_missed(key):
            raise IllegalMove("not_missed")
        request_making(work, services, key)
        _record_work(work, "work.made_again", key)


def request_making(work: Work, services: Services[Work], key: OutboxKey) -> None:
    """The same within the caller's transaction, which called `hold_for_making` first."""
    if key.kind is Kind.AGENCY or key.target is not Target.AD:
        make_again_within(work, services, key)
        return
    account = _to_make(work, key)
    request_action(work, services, ActionKind.MAKE_AGAIN, account.id)
    enqueue_account(work, services, account)


def hold_for_making(work: Work, key: OutboxKey) -> None:
    """What `make_again_within` takes before the asker's grants: agencies come first."""
    if key.kind is Kind.ACCOUNT:
        hold_places(work, _account_of(key))


def make_again_within(work: Work, services: Services[Work], key: OutboxKey) -> None:
    """It is missed: forget where it stood, and want it anew. The caller called `hold_for_making` first."""
    work.administration.unbind(key)
    if key.kind is Kind.AGENCY:
        work.agencies.get(AgencyId(int(key.object_id)))
        work.outbox.enqueue(key)
        return
    account = _to_make(work, key)
    # Where the password was, a random one is now.
    keeps_passwords = Target.AD if services.policy.with_directory else Target.KEYCLOAK
    if key.target is keeps_passwords and account.state is not AccountState.DISABLED:
        if account.state is AccountState.ENABLED:
            account = move_account(work, account, AccountMove.REMAKE)
        request_action(work, services, ActionKind.ACTIVATION_MAIL, account.id)
    enqueue_account(work, services, account)


def _to_make(work: Work, key: OutboxKey) -> Account:
    account = work.accounts.get(_account_of(key), lock=True)
    if account.state is AccountState.DELETED:
        raise IllegalMove("account_state", state=account.state.value, move="make_again")
    return account


def converge_agency(agency_id: AgencyId, services: Services[Work], actor: Actor) -> UUID:
    """帳號同步作業: bring everything at and below the agency to what the registry says; the run to watch."""
    with services.begin(actor) as work:
        # The run names it, and whatever locks an agency does so before the asker's grants.
        work.agencies.lock([agency_id])
        require_administrator(work, actor)
        agency = work.agencies.get(agency_id)
        run_id = start_bulk_run(work, services, RunCause.RESYNCHRONISE, agency.name, agency_id=agency.id)
        enqueue_agencies(work, work.agencies.at_or_below(agency))
        for home_id, account_ids in work.accounts.at_or_below(agency.path).items():
            enqueue_accounts(work, services, home_id, account_ids, bulk=True)
        _record(work, "agency.sync_requested", "agency", str(agency.id), run=str(run_id))
    return run_id


def request_plan(
    agency_id: AgencyId | None, account_id: AccountId | None, services: Services[Work], actor: Actor
) -> UUID:
    """Ask for a forecast: of an agency and all below it, of one account, or of everything."""
    with services.begin(actor) as work:
        work.agencies.lock([] if agency_id is None else [agency_id])
        require_administrator(work, actor)
        note = ""
        if agency_id is not None:
            note = work.agencies.get(agency_id).name
        if account_id is not None:
            note = work.accounts.get(account_id).account_name
        run = new_run(work, services, RunKind.PLAN, RunCause.PLAN)
        work.runs.request(replace(run, agency_id=agency_id, account_id=account_id, note=note))
        _record(work, "plan.requested", "sync_run", str(run.id), agency=agency_id, account=str(account_id or ""))
    return run.id


def request_plan_execution(run_id: UUID, services: Services[Work], actor: Actor) -> UUID:
    """Have a finished plan executed, once: a second request is the same run.

    Raises NotFound("run"), IllegalMove("plan_not_ready").
    """
    with services.begin(actor) as work:
        require_administrator(work, actor)
        plan = work.runs.get(run_id, lock=True)
        if plan.kind is not RunKind.PLAN or plan.cause != RunCause.PLAN or plan.finished_at is None:
            raise IllegalMove("plan_not_ready")
        execution = work.runs.execution_of(run_id)
        if execution is not None:
            return execution.id
        run = new_run(work, services, RunKind.PLAN, RunCause.EXECUTION)
        work.runs.request(
            replace(run, agency_id=plan.agency_id, account_id=plan.account_id, note=plan.note, plan_id=plan.id)
        )
        _record(work, "plan.execution_requested", "sync_run", str(run.id), plan=str(plan.id))
    return run.id


def request_comparison(target: Target, services: Services[Work], actor: Actor) -> UUID:
    """Have everybody compared now; where that is asked for or under way already, that very run."""
    with services.begin(actor) as work:
        require_administrator(work, actor)
        work.runs.lock_requests()
        for run in work.runs.unfinished(RunKind.COMPARISON):
            if run.target is target:
                return run.id
        run = new_run(work, services, RunKind.COMPARISON, RunCause.ASKED, target)
        work.runs.request(run)
        _record(work, "comparison.requested", "target", target.value, run=str(run.id))
    return run.id


def note_protection(written: Mapping[Kind, int], services: Services[Work], actor: Actor) -> None:
    """So many objects of ours in the directory have only the rights of our OU from now on: `hufu` wrote them (0046)."""
    with services.begin(actor) as work:
        require_administrator(work, actor)
        counts = {kind.value: count for kind, count in written.items()}
        _record(work, "target.protected", "target", Target.AD.value, **counts)


def _account_of(key: OutboxKey) -> AccountId:
    return AccountId(UUID(key.object_id))


def _record_work(work: Work, action: str, key: OutboxKey, **more: object) -> None:
    _record(work, action, key.kind.value, key.object_id, target=key.target.value, **more)


def _record(work: Work, action: str, object_kind: str, object_id: str, **new: object) -> None:
    work.audit.record(action, object_kind=object_kind, object_id=object_id, new=new)


def converge_now(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """立即同步: bring the targets to what the registry says, at once; anybody's own account, too.

    Raises NotFound("account") outside the asker's scope, IllegalMove("account_state") for a deleted one.
    """
    with services.begin(actor) as work:
        if actor.account_id == account_id:
            account = work.accounts.get(account_id)
        else:
            account = account_to_change(work, actor, EDIT_ACCOUNTS, account_id)
        if account.state is AccountState.DELETED:
            raise IllegalMove("account_state", state=account.state.value, move="converge")
        enqueue_account(work, services, account)
        work.audit.record("account.sync_requested", object_kind="account", object_id=str(account_id))
