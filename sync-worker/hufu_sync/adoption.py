"""Taking over an account somebody else made in the directory: only ever because a person said so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hufu_registry.accounts.model import Account
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.errors import IllegalMove, NotFound
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model.plan import Adopt, Desired, Observed, Step, plan
from hufu_registry.sync.model.plan_file import PlannedObject
from hufu_registry.sync.use_cases import require_administrator
from hufu_sync.converge import Converger
from hufu_sync.desired_state import desired_of
from hufu_sync.targets.port import Directory


@dataclass(frozen=True, slots=True)
class Adoption:
    """`steps` are what the adoption changes: our mark first, then whatever differs."""

    account: Account
    desired: Desired
    foreign: Observed
    steps: tuple[Step, ...]

    def planned(self) -> PlannedObject:
        key = OutboxKey(Target.AD, Kind.ACCOUNT, str(self.account.id))
        return PlannedObject(key, self.account.account_name, self.foreign.address, self.steps)


def adoption_of(account: Account, services: SqlServices, converger: Converger, directory: Directory) -> Adoption:
    """What adopting the account that has our account's name would change; nothing is written.

    Raises NotFound("foreign_account"), IllegalMove("stands_already"), IllegalMove("waits_for_agency"), and Refused
    for one that is protected.
    """
    key = OutboxKey(Target.AD, Kind.ACCOUNT, str(account.id))
    with services.begin(SYSTEM) as work:
        snapshot = desired_of(work, [key], converger.config)[key]
    if snapshot.remote_id is not None:
        raise IllegalMove("stands_already")
    if snapshot.desired is None:
        raise IllegalMove("waits_for_agency")
    foreign = directory.foreign(snapshot.desired)
    if foreign is None:
        raise NotFound("foreign_account")
    ours = replace(foreign, mark=snapshot.desired.mark)
    steps = plan(snapshot.desired, ours, {}, converger.hash_of).steps
    return Adoption(account, snapshot.desired, foreign, (Adopt(foreign.mark), *steps))


def adopt(adoption: Adoption, services: SqlServices, directory: Directory, actor: Actor) -> None:
    """Put our mark on it; the worker then brings it to what the registry says. Raises
    Denied("system_managers_only"), TargetError.
    """
    account = adoption.account
    with services.begin(actor) as work:
        require_administrator(work, actor)
        work.audit.record(
            "account.adopted_in_ad",
            object_kind="account",
            object_id=str(account.id),
            agency_id=account.agency_id,
            old={"mark": adoption.foreign.mark},
            new={"remote_id": adoption.foreign.remote_id, "mark": adoption.desired.mark},
        )
        enqueue_account(work, services, account)
        # Last, so that a refusal leaves no record of what did not happen.
        directory.apply(adoption.steps[0], adoption.desired, adoption.foreign)
