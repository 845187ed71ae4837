"""What the pages of agencies show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

import hufu_registry.agencies.store as lists
from hufu_console.web.context import reading, registry
from hufu_console.web.viewer import Viewer, viewer
from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.accounts.store import (
    AccountRow,
    ManagerRow,
    PeopleFilter,
    manager_of,
    managers_of,
    names_of,
    people,
)
from hufu_registry.agencies.model import HOMES, Agency
from hufu_registry.agencies.model.naming import joined_names
from hufu_registry.agencies.permissions import EDIT_AGENCIES, EDIT_UNITS
from hufu_registry.agencies.store import AgencyHit, Former
from hufu_registry.agencies.use_cases import permission_to_change
from hufu_registry.audit.store import TimelineEntry, timeline
from hufu_registry.features import SqlWork
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.paging import Head, Page, Paged
from hufu_registry.kernel.permissions import Permission
from hufu_registry.rights.permissions import APPOINT_MANAGERS
from hufu_registry.rights.store import covered
from hufu_registry.sync.model.naming import short_name

# The fields of records that hold an agency's id.
OF_AGENCIES = ("parent", "agency_id")

# What the page of an agency offers.
ASKED = (EDIT_UNITS, EDIT_AGENCIES, SEE_ACCOUNTS, APPOINT_MANAGERS)


@dataclass(frozen=True, slots=True)
class AgencyView:
    """`managers` and `record` are None where the viewer may not see them. The other flags say what he may change.

    `names` are the names of the accounts and agencies that the record mentions.
    """

    agency: Agency
    path: Sequence[tuple[AgencyId, str]]
    former: Sequence[Former]
    managers: Head[ManagerRow] | None
    record: Head[TimelineEntry] | None
    names: Mapping[object, str]
    successor: Agency | None
    is_open: bool
    may_change: bool
    may_edit_units: bool
    may_edit_agencies: bool
    may_set_domains: bool
    official_domains: Sequence[str]
    has_privacy_notice: bool
    may_appoint: bool

    @property
    def shortened(self) -> str:
        """What the directory holds of a name for which it has no room; empty for others."""
        short = short_name(self.agency.name)
        is_there = registry().policy.with_directory and self.agency.kind in HOMES
        return short if is_there and short != self.agency.name else ""


@dataclass(frozen=True, slots=True)
class MoveForecast:
    """What a move would make of an agency's full name, and of how many places below it."""

    agency: Agency
    parent: Agency
    full_name: str
    below: int


def view_of(viewer: Viewer, agency_id: AgencyId) -> AgencyView:
    with reading() as work:
        agency = work.agencies.get(agency_id)
        today = taipei_date(work.now)
        may = {
            permission: viewer.rights.allows(permission, home_id=agency.home_id, path=agency.path)
            for permission in ASKED
        }
        at_home = agency.home_id == agency.id
        policy = work.policy_at(agency) if at_home else None
        record = timeline(work.connection, "agency", str(agency_id)) if may[EDIT_UNITS] else None
        return AgencyView(
            agency=agency,
            path=lists.tree_path(work.connection, agency_id),
            former=lists.former_names(work.connection, agency_id),
            managers=managers_of(work.connection, agency_id, work.now) if may[SEE_ACCOUNTS] else None,
            record=record,
            names=names_in(work, record.rows if record else ()),
            successor=None if agency.merged_into is None else work.agencies.get(agency.merged_into),
            is_open=agency.is_open(today),
            may_change=may[permission_to_change(agency)],
            may_edit_units=may[EDIT_UNITS],
            may_edit_agencies=may[EDIT_AGENCIES],
            may_set_domains=may[EDIT_AGENCIES] and at_home,
            official_domains=policy.official_mail_domains if policy else (),
            has_privacy_notice=bool(policy and policy.privacy_notice),
            may_appoint=may[APPOINT_MANAGERS] and at_home,
        )


def names_in(work: SqlWork, entries: Sequence[TimelineEntry]) -> Mapping[object, str]:
    """The names behind the ids of a timeline: who acted, and which agencies are spoken of."""
    actors = {AccountId(entry.actor_id) for entry in entries if isinstance(entry.actor_id, UUID)}
    mentioned = (values.get(field) for entry in entries for values in (entry.old, entry.new) for field in OF_AGENCIES)
    places = work.agencies.several({AgencyId(place) for place in mentioned if isinstance(place, int)})
    people = names_of(work.connection, actors)
    names: dict[object, str] = {actor_id: people[actor_id] for actor_id in people}
    for agency_id, agency in places.items():
        names[agency_id] = agency.name
    return names


def found(words: str, page: Page, *, within: Permission | None = None) -> Paged[AgencyHit]:
    """`within` finds only where the viewer has that permission."""
    with reading() as work:
        place = None if within is None else in_scope(within, work.now)
        return lists.search(work.connection, words, page, on=taipei_date(work.now), within=place)


def in_scope(permission: Permission, now: datetime) -> sa.ColumnElement[bool]:
    """The agencies, with their units, at which the viewer has the permission, where he works now."""
    place = lists.agencies.c
    scope, works_at = covered(viewer().account_id, permission, now, place.home_id, place.path), viewer().works_at
    return scope if works_at is None else sa.and_(scope, lists.subtree_of(works_at, place.path))


def agency_name(agency_id: AgencyId | None) -> str:
    """For the words of a filter; empty for none."""
    with suppress(NotFound):
        return "" if agency_id is None else agency(agency_id).full_name
    return ""


def agency(agency_id: AgencyId) -> Agency:
    """Raises NotFound("agency")."""
    with reading() as work:
        return work.agencies.get(agency_id)


def own_setting(key: str, agency: Agency) -> str:
    """What is set for just this agency."""
    with reading() as work:
        return work.settings.given_at(key, agency.id, work.now) or ""


def managing(agency: Agency) -> frozenset[AccountId]:
    """Who manages it already."""
    with reading() as work:
        return frozenset(row.account_id for row in managers_of(work.connection, agency.id, work.now).rows)


def manager(agency: Agency, account_id: AccountId) -> ManagerRow:
    """Raises NotFound("account") for somebody who does not manage it."""
    with reading() as work:
        return manager_of(work.connection, agency.id, work.now, account_id)


def forecast(moving: Agency, parent_id: AgencyId) -> MoveForecast:
    """Raises NotFound("agency") for a parent that is not there."""
    with reading() as work:
        parent = work.agencies.get(parent_id)
        below = lists.count_below(work.connection, moving.path)
    return MoveForecast(moving, parent, joined_names(parent.full_name, moving.name), below)


def candidates(viewer: Viewer, agency: Agency, words: str) -> Paged[AccountRow]:
    """Who can become manager there: enabled accounts of the agency and of those above it."""
    with reading() as work:
        only = PeopleFilter(AccountState.ENABLED, words, agency_ids=agency.path.ids)
        return people(work.connection, viewer.account_id, work.now, Page(1, 20), only)
