"""Renaming, moving, merging and importing agencies: whoever stands there is moved in the targets."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import hufu_registry.agencies.use_cases as agencies
from hufu_registry.agencies.model import Agency, ImportReport, Key, Node, joined_names
from hufu_registry.agencies.permissions import EDIT_AGENCIES
from hufu_registry.guard.model import Change, ChangeKind
from hufu_registry.guard.use_cases.commands import Joined
from hufu_registry.guard.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.work import Services


@dataclass(frozen=True, slots=True)
class _OfAgency:
    """`version` is the agency's as the asker saw it; None means whatever it is now."""

    agency_id: AgencyId
    version: int | None

    def cause(self, work: Work) -> str:
        return work.agencies.get(self.agency_id).name

    def lock(self, work: Work) -> None:
        agencies.lock_for_change(work, self.agency_id, below=True)

    def files(self) -> None:
        return None

    def _version(self, work: Work) -> int:
        return work.agencies.get(self.agency_id).version if self.version is None else self.version


@dataclass(frozen=True, slots=True)
class RenameAgency(_OfAgency):
    name: str
    since: date
    kind: ClassVar[str] = "rename_agency"

    def changes(self, work: Work) -> Sequence[Change]:
        agency = work.agencies.get(self.agency_id)
        return moves_below(work, agency, agency.full_name.removesuffix(agency.name) + self.name)

    def run(self, work: Work, services: Services[Work], actor: Actor) -> Agency:
        command = agencies.Rename(self.agency_id, self._version(work), self.name, self.since)
        return agencies.rename(command, Joined(services, work), actor)

    def values(self) -> Mapping[str, Any]:
        return {"agency_id": self.agency_id, "name": self.name, "since": self.since.isoformat()}

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], _files: bytes | None) -> RenameAgency:
        return cls(AgencyId(values["agency_id"]), None, values["name"], date.fromisoformat(values["since"]))


@dataclass(frozen=True, slots=True)
class MoveAgency(_OfAgency):
    parent_id: AgencyId
    since: date
    kind: ClassVar[str] = "move_agency"

    def changes(self, work: Work) -> Sequence[Change]:
        agency, parent = work.agencies.get(self.agency_id), work.agencies.get(self.parent_id)
        return moves_below(work, agency, joined_names(parent.full_name, agency.name))

    def run(self, work: Work, services: Services[Work], actor: Actor) -> Agency:
        command = agencies.Move(self.agency_id, self._version(work), self.parent_id, self.since)
        return agencies.move(command, Joined(services, work), actor)

    def values(self) -> Mapping[str, Any]:
        return {"agency_id": self.agency_id, "parent_id": self.parent_id, "since": self.since.isoformat()}

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], _files: bytes | None) -> MoveAgency:
        return cls(
            AgencyId(values["agency_id"]),
            None,
            AgencyId(values["parent_id"]),
            date.fromisoformat(values["since"]),
        )


@dataclass(frozen=True, slots=True)
class MergeAgency(_OfAgency):
    """`on` is the first day on which the agency no longer exists."""

    successor_id: AgencyId
    on: date
    kind: ClassVar[str] = "merge_agency"

    def lock(self, work: Work) -> None:
        agencies.lock_for_change(work, self.agency_id, self.successor_id, below=True)

    def changes(self, work: Work) -> Sequence[Change]:
        agency, successor = work.agencies.get(self.agency_id), work.agencies.get(self.successor_id)
        rooted = work.grants.rooted_at([agency.id])
        managers = work.held_changes.standing(sorted({grant.account_id for grant in rooted}))
        return [
            *moves_below(work, agency, successor.full_name),
            *(account.loses(ChangeKind.LOSE_ROLES, agency.full_name, "") for account in managers),
        ]

    def run(self, work: Work, services: Services[Work], actor: Actor) -> Agency:  # noqa: ARG002
        return agencies.merge(
            work,
            services,
            agencies.held(work, self.agency_id, self._version(work), EDIT_AGENCIES),
            self.successor_id,
            self.on,
        )

    def values(self) -> Mapping[str, Any]:
        return {"agency_id": self.agency_id, "successor_id": self.successor_id, "on": self.on.isoformat()}

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], _files: bytes | None) -> MergeAgency:
        return cls(
            AgencyId(values["agency_id"]),
            None,
            AgencyId(values["successor_id"]),
            date.fromisoformat(values["on"]),
        )


@dataclass(frozen=True, slots=True)
class ImportAgencies:
    """`file_name` is what people call the list."""

    command: agencies.ImportList
    file_name: str
    kind: ClassVar[str] = "import_agencies"

    def cause(self, work: Work) -> str:  # noqa: ARG002
        return self.file_name

    def lock(self, work: Work) -> None:
        work.agencies.lock_tree(whole=True)

    def changes(self, work: Work) -> Sequence[Change]:
        before = full_names(work.agencies.nodes())
        after = full_names(agencies.plan_of(self.command, work).nodes)
        elsewhere = [AgencyId(int(key)) for key, name in before.items() if after[key] != name]
        return [
            account.loses(ChangeKind.MOVE, account.agency_name, after[account.agency_id])
            for account in work.held_changes.standing_in(elsewhere)
        ]

    def run(self, work: Work, services: Services[Work], actor: Actor) -> ImportReport:
        return agencies.import_list(replace(self.command, dry_run=False), Joined(services, work), actor)

    def values(self) -> Mapping[str, Any]:
        return {"file_name": self.file_name, "may_close": self.command.may_close}

    def files(self) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("list_file", "codes_file", "history_file"):
                content = getattr(self.command, name)
                if content is not None:
                    archive.writestr(name, content)
        return packed.getvalue()

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], files: bytes | None) -> ImportAgencies:
        with zipfile.ZipFile(io.BytesIO(files or b"")) as archive:
            contents: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
        return cls(agencies.ImportList(**contents, may_close=values["may_close"]), values["file_name"])


def moves_below(work: Work, agency: Agency, full_name: str) -> list[Change]:
    """Everybody at and below the agency stands elsewhere in the targets once it is called `full_name`."""
    if full_name == agency.full_name:
        return []
    return [
        account.loses(
            ChangeKind.MOVE, account.agency_name, full_name + account.agency_name.removeprefix(agency.full_name)
        )
        for account in work.held_changes.standing_in(work.agencies.at_or_below(agency))
    ]


def full_names(nodes: Mapping[Any, Node]) -> dict[Key, str]:
    """Every agency's names from the top; the tree must have no circle."""
    names: dict[Key, str] = {}
    for start in nodes:
        waiting: list[Key] = []
        place: Key | None = start
        while place is not None and place not in names:
            waiting.append(place)
            place = nodes[place].parent
        above = None if place is None else names[place]
        for key in reversed(waiting):
            above = names[key] = joined_names(above, nodes[key].name)
    return names
