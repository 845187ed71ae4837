"""Agencies and their tree: the parent pointer is the truth, the path is derived from it.

A path is the ids from the root to the agency, in base 36, joined by dots ("1.a4.2kf"). It is compared label
by label, never as text: "1.a" is no ancestor of "1.a4".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from hufu_registry.agencies.model.naming import joined_names
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.texts import folded

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
GOVERNMENT_ARC = "2.16.886.101"
ORGANISATION_ARC = "2.16.886.111"
ROOT_ARCS = (GOVERNMENT_ARC, ORGANISATION_ARC)
OID_SHAPE = re.compile(r"^2\.16\.886\.1[01]1(\.[1-9][0-9]{0,9}){1,10}$")
# Ten characters; nearly always nine digits and a letter, but universities carry letters inside (A095A0000Q).
AGENCY_CODE_SHAPE = re.compile(r"^[0-9A-Z]{10}$")


class AgencyKind(StrEnum):
    AGENCY = "agency"
    UNIT = "unit"
    LOCALITY = "locality"
    PLACEHOLDER = "placeholder"
    SCHOOL = "school"


# Places in the tree in which people work, and that can therefore have accounts and managers.
HOMES = frozenset({AgencyKind.AGENCY, AgencyKind.SCHOOL})


def label(agency_id: AgencyId) -> str:
    """One step of a path: the agency's id in base 36."""
    number, digits = int(agency_id), ""
    while True:
        number, rest = divmod(number, 36)
        digits = DIGITS[rest] + digits
        if not number:
            return digits


def agency_id_of(step: str) -> AgencyId:
    return AgencyId(int(step, 36))


@dataclass(frozen=True, slots=True, order=True)
class Path:
    text: str

    @classmethod
    def root(cls, agency_id: AgencyId) -> Path:
        return cls(label(agency_id))

    def child(self, agency_id: AgencyId) -> Path:
        return Path(f"{self.text}.{label(agency_id)}")

    @property
    def ids(self) -> tuple[AgencyId, ...]:
        """From the root to the agency itself."""
        return tuple(agency_id_of(step) for step in self.text.split("."))

    def covers(self, other: Path) -> bool:
        """Whether `other` is this place or lies below it."""
        return other.text == self.text or other.text.startswith(f"{self.text}.")


@dataclass(frozen=True, slots=True)
class Agency:
    """`home_id` is the agency itself, or for a unit the nearest agency above it: where its people belong.

    `full_name` is the names from the top to here, joined by " › ". `closed_on` is the first day on which it
    no longer exists, `merged_into` its successor.
    """

    id: AgencyId
    parent_id: AgencyId | None
    path: Path
    kind: AgencyKind
    name: str
    full_name: str
    oid: str | None
    agency_code: str | None
    home_id: AgencyId
    mail_domains: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    valid_from: date | None = None
    closed_on: date | None = None
    merged_into: AgencyId | None = None
    parent_by_hand: bool = False
    telephone: str = ""
    address: str = ""
    version: int = 1

    def is_open(self, on: date) -> bool:
        return self.closed_on is None or on < self.closed_on

    def accepts(self, mailbox: str) -> bool:
        """Whether a backup mailbox may belong to an applicant here; no listed domain means any."""
        return not self.mail_domains or lies_under(mailbox, self.mail_domains)


def lies_under(mailbox: str, domains: Sequence[str]) -> bool:
    """Whether the mailbox belongs to one of the domains or to one below it."""
    domain = mailbox.rpartition("@")[2].lower()
    return any(domain == allowed or domain.endswith(f".{allowed}") for allowed in domains)


# An agency in a plan: its id, or the OID of one that has none yet.
Key = AgencyId | str


@dataclass(frozen=True, slots=True)
class Node:
    """An agency as imports and plans see it: a pointer to its parent and nothing derived.

    `listed_name` is the name the government's list gave last, None for what the list does not hold; so a name
    changed by hand is told from one the list changed.
    """

    key: Key
    parent: Key | None
    kind: AgencyKind
    name: str
    oid: str | None = None
    agency_code: str | None = None
    telephone: str = ""
    address: str = ""
    dn: str = ""
    listed_name: str | None = None
    closed_on: date | None = None
    parent_by_hand: bool = False

    @property
    def is_open(self) -> bool:
        return self.closed_on is None


@dataclass(frozen=True, slots=True)
class FormerName:
    """What an agency was called, and the OID it had, until a day."""

    agency: Key
    name: str | None
    oid: str | None
    until: date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What follows from the parents: path, full name, its folded form, and the home of the people here."""

    path: Path
    full_name: str
    search_path: str
    home_id: AgencyId


def place_of(agency_id: AgencyId, name: str, kind: AgencyKind, above: Place | None) -> Place:
    own_home = kind is not AgencyKind.UNIT or above is None
    return Place(
        path=Path.root(agency_id) if above is None else above.path.child(agency_id),
        full_name=joined_names(None if above is None else above.full_name, name),
        search_path=joined_names(None if above is None else above.search_path, folded(name)),
        home_id=agency_id if own_home or above is None else above.home_id,
    )


def derive(nodes: Mapping[AgencyId, tuple[AgencyId | None, str, AgencyKind]]) -> dict[AgencyId, Place]:
    """The place of each of (parent, name, kind) by its id. Raises IllegalMove("tree_cycle")."""
    places: dict[AgencyId, Place] = {}
    for start in nodes:
        waiting: list[AgencyId] = []
        seen: set[AgencyId] = set()
        place: AgencyId | None = start
        while place is not None and place not in places:
            if place in seen:
                raise IllegalMove("tree_cycle", agency=place)
            seen.add(place)
            waiting.append(place)
            place = nodes[place][0]
        for agency_id in reversed(waiting):
            parent, name, kind = nodes[agency_id]
            places[agency_id] = place_of(agency_id, name, kind, None if parent is None else places[parent])
    return places
