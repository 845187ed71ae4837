"""What the pages of accounts show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from hufu_console.agencies.queries import names_in
from hufu_console.web.context import reading, registry
from hufu_console.web.viewer import Viewer
from hufu_registry.accounts.model import MOVES, Account, AccountMove, AccountState
from hufu_registry.accounts.store import ManagerRow, is_in_scope, names_of, nearest_managers
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.store import unit_names
from hufu_registry.audit.store import TimelineEntry, timeline
from hufu_registry.cases.engine.model import Case
from hufu_registry.features import SqlWork
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, Denied, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.paging import Head
from hufu_registry.kernel.permissions import Role
from hufu_registry.rights.model import Grant
from hufu_registry.sync.events import IN_TARGETS
from hufu_registry.sync.model import (
    Bar,
    InTarget,
    ProvisioningStep,
    SignIn,
    SignInLock,
    SignInState,
    StepName,
    StepState,
)
from hufu_registry.sync.model.desired import MAILBOX_FIELD
from hufu_registry.sync.store import account_in_targets, account_story, last_sign_in, last_sign_in_at, sign_in_state


@dataclass(frozen=True, slots=True)
class Managed:
    agency: Agency
    with_subordinates: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """`locks` are those that keep its owner from signing in. One that is out of reach has rights that the viewer has
    not: in an emergency it can be suspended, nothing else. `record` is what people did, `names` those of the accounts
    and agencies that it mentions.
    """

    account: Account
    agency: Agency
    case: Case | None
    steps: Sequence[ProvisioningStep]
    targets: Sequence[InTarget]
    sign_in: SignInState
    locks: Sequence[SignInLock]
    is_out_of_reach: bool
    record: Head[TimelineEntry]
    names: Mapping[object, str]
    manages: Sequence[Managed]
    manages_system: bool
    last_sign_in_at: datetime | None

    @property
    def roles(self) -> Sequence[str]:
        """權限: those its owner holds, wherever that is."""
        held = {Role.AGENCY_MANAGER: bool(self.manages), Role.SYSTEM_MANAGER: self.manages_system}
        return [role.value for role, holds in held.items() if holds]

    @property
    def bars(self) -> Sequence[Bar]:
        """Settings in the directory that keep its owner out, or let others in."""
        return [bar for target in self.targets for bar in target.bars]

    @property
    def mailbox_is_refused(self) -> bool:
        """Whether the sign-in server does not take it, so that it can be corrected."""
        return any(step.step is StepName.KEYCLOAK and MAILBOX_FIELD in step.fields for step in self.steps)

    @property
    def moving(self) -> bool:
        """Whether something is on its way to a system; waiting for the person alone takes days."""
        return any(step.pending or (unfinished(step) and step.step is not StepName.ACTIVATED) for step in self.steps)

    @property
    def is_settled(self) -> bool:
        """Whether it has come along: nothing is on its way, stuck, or left for its owner to begin with."""
        stuck = any(step.state is StepState.PARKED for step in self.steps)
        return not (self.moving or stuck or self.account.state is AccountState.NOT_ACTIVATED)

    @property
    def moves(self) -> frozenset[AccountMove]:
        """What its state allows next."""
        return frozenset(move for state, move in MOVES if state is self.account.state)

    @property
    def look_again(self) -> int | None:
        """In how many seconds the page should look again by itself."""
        if self.moving:
            return 2
        return 15 if any(unfinished(step) for step in self.steps) else None


def unfinished(step: ProvisioningStep) -> bool:
    return step.state in (StepState.WAITING, StepState.RETRYING)


def seen_account(viewer: Viewer, account_id: AccountId) -> Account:
    """Raises NotFound("account") for one that the viewer's grants do not cover."""
    with reading() as work:
        if not is_in_scope(work.connection, viewer.account_id, work.now, account_id):
            raise NotFound("account")
        return work.accounts.get(account_id)


def acted_on(viewer: Viewer, account_id: AccountId) -> Account:
    """One that the viewer may also do something with, as the use case asks again.

    Raises NotFound("account") outside his scope, Denied("wider_rights") where its person has rights that he has not.
    """
    account = seen_account(viewer, account_id)
    if has_wider_rights(account_id, viewer):
        raise Denied("wider_rights")
    return account


def has_wider_rights(account_id: AccountId, viewer: Viewer) -> bool:
    with reading() as work:
        return are_wider(work, work.grants.standing([account_id]), viewer)


def are_wider(work: SqlWork, grants: Sequence[Grant], viewer: Viewer) -> bool:
    return not all(viewer.rights.as_wide_as(grant, work.permissions()) for grant in grants)


def view_of(viewer: Viewer, account_id: AccountId) -> AccountView:
    """Everything about his own, or one that his grants cover. Raises NotFound("account") for others."""
    account = viewer.account if account_id == viewer.account_id else seen_account(viewer, account_id)
    with reading() as work:
        sign_in, locks = sign_in_state(work.connection, account_id, work.now)
        record = timeline(work.connection, "account", str(account_id), but=IN_TARGETS)
        grants = work.grants.standing([account_id])
        rooted = {grant.agency_id for grant in grants if grant.agency_id is not None}
        places = work.agencies.several({account.agency_id, *rooted})
        return AccountView(
            account=account,
            agency=places[account.agency_id],
            case=case_of(work, account_id),
            steps=account_story(work.connection, account_id),
            targets=(targets := account_in_targets(work.connection, registry().keys, account_id)),
            sign_in=barred(sign_in, targets, taipei_date(work.now)),
            locks=locks,
            is_out_of_reach=are_wider(work, grants, viewer),
            record=record,
            names=names_in(work, record.rows),
            manages=managed(grants, places),
            manages_system=any(grant.role is Role.SYSTEM_MANAGER for grant in grants),
            last_sign_in_at=last_sign_in_at(work.connection, account_id),
        )


def barred(found: SignInState, targets: Sequence[InTarget], today: date) -> SignInState:
    """What is locked opens again; what bars does not, so it is said first."""
    keeps_out = any(bar.keeps_out(today) for target in targets for bar in target.bars)
    return SignInState.BARRED if keeps_out else found


def managed(grants: Sequence[Grant], places: Mapping[AgencyId, Agency]) -> Sequence[Managed]:
    """The agencies that these rights are rooted in."""
    rooted = [(grant.agency_id, grant.with_subordinates) for grant in grants]
    managed = [Managed(places[agency_id], wide) for agency_id, wide in rooted if agency_id is not None]
    return sorted(managed, key=lambda place: place.agency.path)


def case_of(work: SqlWork, account_id: AccountId) -> Case | None:
    """The case it came of; none as well where that cannot be read."""
    with suppress(Conflict, NotFound):
        return work.cases.by_account(account_id)
    return None


def own(viewer: Viewer) -> AccountView:
    return view_of(viewer, viewer.account_id)


@dataclass(frozen=True, slots=True)
class OwnHome:
    """What somebody's first page says of himself: `manages` is the agency whose `managers` see to his account, the
    system managers where it is None.
    """

    account: Account
    manages: Agency | None
    managers: Head[Account]
    last_sign_in: SignIn | None


def who(work: SqlWork, managers: Sequence[ManagerRow]) -> Sequence[Account]:
    accounts = work.accounts.several([manager.account_id for manager in managers])
    return [accounts[manager.account_id] for manager in managers]


def own_home(viewer: Viewer) -> OwnHome:
    with reading() as work:
        found = nearest_managers(work.connection, viewer.account.agency_path, work.now)
        return OwnHome(
            account=viewer.account,
            manages=None if found is None else work.agencies.get(found[0]),
            managers=Head([], more=False) if found is None else Head(who(work, found[1].rows), found[1].more),
            last_sign_in=last_sign_in(work.connection, viewer.account_id),
        )


def editable(viewer: Viewer, account_id: AccountId) -> tuple[Account, Sequence[str]]:
    """The account, and the names of its agency's units. Raises what `acted_on` raises."""
    account = acted_on(viewer, account_id)
    with reading() as work:
        agency = work.agencies.get(account.agency_id)
        return account, unit_names(work.connection, agency, on=taipei_date(work.now))


def name_of(account_id: AccountId | None) -> str:
    """Who did something; empty where it was no account."""
    if account_id is None:
        return ""
    with reading() as work:
        return names_of(work.connection, [account_id]).get(account_id, "")
