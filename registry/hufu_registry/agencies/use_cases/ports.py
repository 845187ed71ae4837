"""What the rules about agencies need from the outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import hufu_registry.audit.use_cases as audit
from hufu_registry.agencies.model import Agency, AgencyPolicy, FormerName, Key, Node
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.work import Services


@dataclass(frozen=True, slots=True)
class NewAgency:
    """An agency or unit made by hand, before it has an id."""

    parent_id: AgencyId
    name: str
    oid: str | None
    valid_from: date | None


@dataclass(frozen=True, slots=True)
class TreeWritten:
    """What taking over a tree did: the ids of new agencies by OID, which old ones it touched how, and above which
    the moved ones stood.
    """

    ids: Mapping[Key, AgencyId]
    changed: frozenset[AgencyId]
    moved: frozenset[AgencyId]
    left: frozenset[AgencyId]


class Agencies(Protocol):
    """The agencies' tables, as these rules need them."""

    def get(self, agency_id: AgencyId) -> Agency:
        """Raises NotFound("agency")."""

    def several(self, agency_ids: Collection[AgencyId]) -> Mapping[AgencyId, Agency]:
        """Those of them that there are."""

    def children(self, agency_id: AgencyId) -> Sequence[Agency]:
        """What stands right below it, closed or not, by id."""

    def unit_named(self, agency: Agency, name: str, on: date) -> Agency | None:
        """The open unit of the agency, however deep, that is called so; of several the highest."""

    def find_by_oid(self, oid: str) -> Agency | None: ...

    def lock(self, agency_ids: Collection[AgencyId] = (), *, changing: Collection[AgencyId] = ()) -> None:
        """Lock the rows, all in id order: FOR SHARE, and FOR NO KEY UPDATE those that change, or whose managers may."""

    def lock_tree(self, *, whole: bool = False) -> None:
        """Let nobody else change the tree until the transaction ends; `whole` holds off row locks as well.

        Whoever only reads is never held up.
        """

    def lock_below(self, agency: Agency) -> Sequence[AgencyId]:
        """Lock the agency and all below it FOR UPDATE in id order; their ids."""

    def at_or_below(self, agency: Agency) -> Sequence[AgencyId]:
        """The agency and all below it, by id."""

    def ancestors(self, agency_id: AgencyId) -> Sequence[Agency]:
        """From the root down to and including the agency."""

    def has_open_children(self, agency_id: AgencyId, on: date) -> bool: ...

    def nodes(self) -> dict[AgencyId, Node]:
        """The whole tree, for a plan."""

    def former_names(self) -> Sequence[FormerName]: ...

    def take_over(self, nodes: Mapping[Key, Node], former: Sequence[FormerName]) -> TreeWritten:
        """Write whatever differs from `nodes`, and former names, in bulk."""

    def link(self, former: Sequence[FormerName]) -> None:
        """Add former names and make search find them."""

    def add(self, new: NewAgency, parent: Agency) -> Agency:
        """A unit below `parent`. Raises Conflict("oid_taken")."""

    def rename(self, agency: Agency, name: str, until: date) -> None:
        """Full names below follow. Raises Conflict("changed_meanwhile") for an old version, as all these do."""

    def move(self, agency: Agency, parent: Agency, home_id: AgencyId) -> None:
        """The whole subtree's paths in one statement; copies in other tables follow by their foreign keys."""

    def set_closed(self, agency: Agency, closed_on: date | None, *, merged_into: AgencyId | None = None) -> None: ...

    def set_mail_domains(self, agency: Agency, domains: Sequence[str]) -> None: ...

    def set_short_names(self, agency: Agency, names: Sequence[str]) -> None:
        """Search finds it by them."""

    def outbox_keys(self, agency_ids: Collection[AgencyId]) -> Sequence[OutboxKey]:
        """The agencies' outbox rows: only who has accounts, or stands above some, was ever wanted anywhere."""


class Dependents(Protocol):
    """Whoever hangs on agencies. They stand to the left and say so in their feature.py; the composition asks them."""

    def held_by(self, agency_ids: Collection[AgencyId]) -> Mapping[AgencyId, frozenset[str]]:
        """Which of these agencies have themselves some of what hangs on agencies, by its names."""

    def hand_over(self, services: Services[Any], agency: Agency, successor: Agency) -> Mapping[str, int]:
        """What hangs on the agency is its successor's, or ends with it; how many there were of each."""

    def unit_renamed(self, unit_id: AgencyId, name: str) -> Sequence[OutboxKey]:
        """Write the new name wherever it is kept; the outbox rows of what is wanted anywhere."""


class Work(audit.Work, Protocol):
    @property
    def agencies(self) -> Agencies: ...
    @property
    def dependents(self) -> Dependents: ...
    @property
    def policy(self) -> AgencyPolicy:
        """What is set now."""

    def policy_at(self, agency: Agency) -> AgencyPolicy:
        """The same with what is set for the agency or, where it says nothing, for the nearest above that does."""

    def require(self, permission: Permission, agency: Agency) -> None:
        """Whether the transaction's actor may, asked of the rights, which stand to the left; his grants are held.

        Raises NotFound("agency") where he may not even see, Denied("right_missing") where he may only see.
        """

    def require_everywhere(self, permission: Permission) -> None:
        """The same of all agencies at once. Raises Denied("system_managers_only")."""
