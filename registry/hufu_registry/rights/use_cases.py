"""Giving and reading rights. They come from these tables at each request, never from a token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

import hufu_registry.agencies.use_cases as agencies
import hufu_registry.audit.use_cases as audit
from hufu_registry.agencies.model import Agency, Path
from hufu_registry.kernel.actor import Actor, ActorKind
from hufu_registry.kernel.errors import Denied, IllegalMove, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.permissions import Permission, Role
from hufu_registry.kernel.work import Services
from hufu_registry.rights.model import Grant, Rights
from hufu_registry.rights.permissions import APPOINT_MANAGERS

# Whoever is at the machine may do what a system manager may.
AT_THE_MACHINE = frozenset({ActorKind.OPERATOR, ActorKind.SYSTEM})


class Grants(Protocol):
    def of(self, account_id: AccountId, *, lock: bool = False) -> Rights:
        """The account's grants in force; `lock` holds them until the transaction ends.

        Whoever takes one away meanwhile waits; or was first, and it is not among these.
        """

    def scope(self, account_id: AccountId, permission: Permission) -> frozenset[AgencyId] | None:
        """The agencies where the account has the permission; None for all there are and will be."""

    def standing(self, account_ids: Collection[AccountId]) -> Sequence[Grant]:
        """The accounts' grants that are not over, also those that begin later."""

    def unended(self, account_id: AccountId, role: Role, agency_id: AgencyId | None) -> Grant | None:
        """The account's grant of the role there that nobody ended, be it in force by its dates or not."""

    def rooted_at(self, agency_ids: Collection[AgencyId]) -> Sequence[Grant]:
        """Everybody's grants that name one of these very agencies and are not over."""

    def end(self, grant_ids: Collection[UUID]) -> None: ...

    def holder_changed(self, account_id: AccountId) -> None:
        """The account came to count as a manager, or ceased to: who decides may be another now."""

    def add(self, grant: Grant) -> bool:
        """Store it; false when the account already has that very grant."""

    def lock(self, ending: Sequence[Grant], asker: AccountId | None) -> None:
        """Hold the asker's grants and these, which may end, in id order; agencies' rows come before, accounts' after.

        With one that is about no place (a system manager's) among those that may end every such one, so that of two
        who take one another away one stays.
        """

    def system_managers(self) -> Sequence[AccountId]:
        """Whoever has the role now; nobody else can be given it until this transaction ends."""


class Holder(Protocol):
    """What has to be known of an account that is given a right."""

    @property
    def id(self) -> AccountId: ...
    @property
    def agency_id(self) -> AgencyId: ...
    @property
    def agency_path(self) -> Path: ...
    @property
    def is_deleted(self) -> bool: ...
    @property
    def is_enabled(self) -> bool: ...


class Holders(Protocol):
    """The accounts, which stand to the left."""

    def get(self, account_id: AccountId, *, lock: bool = False) -> Holder:
        """Raises NotFound("account")."""

    def has_other_holder(self, permission: Permission, agency_id: AgencyId | None, besides: AccountId) -> bool:
        """Whether an enabled one has a grant rooted there that gives the permission; for None, one that is about no
        place.

        The caller holds the agency's row locked; for None, the grants that are about no place.
        """


class Work(agencies.Work, audit.Work, Protocol):
    @property
    def grants(self) -> Grants: ...
    @property
    def accounts(self) -> Holders: ...

    def permissions(self) -> Collection[Permission]:
        """All that there are."""

    def require_as_wide(self, account_ids: Collection[AccountId]) -> None:
        """Whoever acts on a person has every right that the person has, at the same places: else he could take from
        him, or become, what he is not. Raises Denied("wider_rights").
        """


def appoint_manager(
    account_id: AccountId,
    agency_id: AgencyId,
    services: Services[Work],
    actor: Actor,
    *,
    with_subordinates: bool = False,
) -> bool:
    """A system manager (or an operator at the command) makes an account the manager of an agency.

    Answers whether he was it until now, with another reach or to a day: this takes the place of that. Raises
    NotFound("agency" or "account"), Denied("right_missing"), IllegalMove("already_appointed") where nothing would
    change, IllegalMove("manager_of_another_agency") for an account that belongs neither there nor above,
    IllegalMove("account_state") for a deleted one, IllegalMove("units_have_no_managers").
    """
    with services.begin(actor) as work:
        work.agencies.lock([work.accounts.get(account_id).agency_id], changing=[agency_id])
        agency = work.agencies.get(agency_id)
        earlier = work.grants.unended(account_id, Role.AGENCY_MANAGER, agency_id)
        work.grants.lock([] if earlier is None else [earlier], actor.account_id)
        require_at(work.grants, actor, APPOINT_MANAGERS, agency)
        # Whoever transfers it meanwhile waits for its agency, or was first and is seen here.
        account = work.accounts.get(account_id, lock=True)
        if account.is_deleted:
            raise IllegalMove("account_state", state="deleted", move="appoint")
        if account.agency_id != agency_id and not account.agency_path.covers(agency.path):
            raise IllegalMove("manager_of_another_agency")
        replaced = grant_role(
            work, services, account_id, Role.AGENCY_MANAGER, agency_id, with_subordinates=with_subordinates
        )
        return replaced is not None and replaced.is_in_force(work.now)


def dismiss_manager(account_id: AccountId, agency_id: AgencyId, services: Services[Work], actor: Actor) -> None:
    """A system manager takes an agency from its manager, who stays what he is elsewhere.

    Raises NotFound("agency" or "account"), Denied("right_missing"), IllegalMove("not_its_manager"),
    IllegalMove("last_manager", agency).
    """
    with services.begin(actor) as work:
        # Whoever appoints or dismisses somebody there waits for the agency.
        work.agencies.lock([work.accounts.get(account_id).agency_id], changing=[agency_id])
        ending = [
            grant
            for grant in work.grants.rooted_at([agency_id])
            if grant.account_id == account_id and grant.role is Role.AGENCY_MANAGER
        ]
        work.grants.lock(ending, actor.account_id)
        require_at(work.grants, actor, APPOINT_MANAGERS, work.agencies.get(agency_id))
        account = work.accounts.get(account_id, lock=True)
        if not ending:
            raise IllegalMove("not_its_manager")
        keep_a_manager(work, account, ending)
        end_grants(work, ending, reason="dismissed")


def keep_a_manager(work: Work, account: Holder, losing: Sequence[Grant]) -> None:
    """Nobody goes as the last one who could do somewhere what somebody always has to be there for, to decide above all
    (`Permission.always_held`); the caller holds those agencies' rows locked.

    Raises IllegalMove("last_manager", agency).
    """
    if not account.is_enabled:
        return
    always_held = [permission for permission in work.permissions() if permission.always_held]
    for grant in losing:
        if grant.valid_from <= work.now and not all(
            work.accounts.has_other_holder(permission, grant.agency_id, account.id)
            for permission in always_held
            if grant.role in permission.roles
        ):
            raise IllegalMove("last_manager", agency=grant.agency_id)


def grant_role(
    work: Work,
    services: Services[Work],
    account_id: AccountId,
    role: Role,
    agency_id: AgencyId | None,
    *,
    with_subordinates: bool = False,
) -> Grant | None:
    """Write the grant and its record inside somebody else's transaction.

    Answers the grant of the same role there that it takes the place of: one of another reach, or with dates. Raises
    IllegalMove("already_appointed") where the account has this very one.
    """
    place = None if agency_id is None else work.agencies.get(agency_id)
    if place is not None and place.home_id != place.id:
        raise IllegalMove("units_have_no_managers")
    grant = Grant(
        id=services.ids.new(),
        account_id=account_id,
        role=role,
        agency_id=agency_id,
        agency_path=None if place is None else place.path,
        with_subordinates=with_subordinates,
        valid_from=work.now,
    )
    earlier = work.grants.unended(account_id, role, agency_id)
    if earlier is not None:
        if earlier.says_as_much_as(grant):
            raise IllegalMove("already_appointed")
        end_grants(work, [earlier], reason="appointed_again")
    if not work.grants.add(grant):
        # Somebody was first who held no lock in common with this.
        raise IllegalMove("already_appointed")
    work.audit.record(
        "grant.given",
        object_kind="account",
        object_id=str(account_id),
        agency_id=agency_id,
        new={"role": role.value, "agency_id": agency_id, "with_subordinates": with_subordinates},
    )
    return earlier


def end_grants(work: Work, grants: Sequence[Grant], *, reason: str) -> None:
    """Take rights away, with a record each, inside somebody else's transaction."""
    work.grants.end([grant.id for grant in grants])
    for grant in grants:
        work.audit.record(
            "grant.ended",
            object_kind="account",
            object_id=str(grant.account_id),
            agency_id=grant.agency_id,
            old={
                "role": grant.role.value,
                "agency_id": grant.agency_id,
                "with_subordinates": grant.with_subordinates,
            },
            new={"reason": reason},
        )


def require(work: Work, actor: Actor, permission: Permission, *, of: str, home_id: AgencyId, path: Path) -> None:
    """Ask for the permission within the transaction; the asker's grants are held until it ends.

    Raises NotFound(of) for whoever has it not there: what he may not do he need not know of.
    """
    if actor.kind in AT_THE_MACHINE:
        return
    if actor.account_id is None or not work.grants.of(actor.account_id, lock=True).allows(
        permission, home_id=home_id, path=path
    ):
        raise NotFound(of)


def require_at(grants: Grants, actor: Actor, permission: Permission, agency: Agency) -> None:
    """The same of an agency: Denied("right_missing") where the actor may only see it."""
    if actor.kind in AT_THE_MACHINE:
        return
    if actor.account_id is None:
        raise NotFound("agency")
    grants.of(actor.account_id, lock=True).require(permission, agency)


def require_as_wide(
    grants: Grants, actor: Actor, account_ids: Collection[AccountId], permissions: Collection[Permission]
) -> None:
    """`Work.require_as_wide`. The caller holds the asker's grants, and the accounts: whoever gives one of them a right
    waits.
    """
    if actor.kind in AT_THE_MACHINE:
        return
    standing = grants.standing(account_ids)
    if not standing:
        return
    if actor.account_id is None:
        raise NotFound("account")
    own = grants.of(actor.account_id)
    if not all(own.as_wide_as(grant, permissions) for grant in standing if grant.account_id != actor.account_id):
        raise Denied("wider_rights")


def require_everywhere(grants: Grants, actor: Actor, permission: Permission) -> None:
    """Ask for a permission at all agencies at once, or about none; the asker's grants are held as above.

    Raises Denied("system_managers_only"), or NotFound("account") for somebody without one.
    """
    if actor.kind in AT_THE_MACHINE:
        return
    if actor.account_id is None:
        raise NotFound("account")
    if not grants.of(actor.account_id, lock=True).gives_everywhere(permission):
        raise Denied("system_managers_only")


def places_of_grants(work: Work, agency_ids: Collection[AgencyId]) -> set[AgencyId]:
    """Where grants are rooted that are not over."""
    return {grant.agency_id for grant in work.grants.rooted_at(agency_ids) if grant.agency_id is not None}


def end_of_merged(work: Work, _services: Services[Work], agency: Agency, _successor: Agency) -> int:
    """Rights end with the agency they are rooted in; within the merge's transaction."""
    ending = work.grants.rooted_at([agency.id])
    end_grants(work, ending, reason="agency_merged")
    return len(ending)
