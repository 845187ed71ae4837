"""A document system: a target that is neither a directory nor a sign-in server, to see that one more can be added.

Agencies are folders, accounts are files in them, and a file knows the folder it is in; nothing has a state.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.desired import account_mark, agency_mark, may_sign_in
from hufu_registry.sync.model.plan import (
    ENABLED,
    Create,
    Delete,
    Desired,
    Observed,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    Step,
)
from hufu_sync.errors import Conflict, Misconfigured, TargetError, Transient
from hufu_sync.targets.port import Asked, Found

Record = dict[str, Any]


@dataclass
class DocumentSystem:
    folder: Path

    def probe(self) -> None:
        if not self.folder.is_dir():
            raise Misconfigured(Code.UNEXPECTED, "the archive is closed")

    def close(self) -> None:
        """Nothing is held open."""

    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        records = list(self._records())
        return [self._find(each.desired, each.remote_id, records) for each in asked]

    def _find(self, desired: Desired, remote_id: str | None, records: Sequence[Record]) -> Found:
        same_id = [record for record in records if record["number"] == remote_id]
        same_name = [record for record in records if self._bears_name_of(desired, record)]
        ours = [record for record in records if record["mark"] == desired.mark]
        record = next(iter(same_id or ours or same_name), None)
        if record is None:
            return None
        if record["mark"] != desired.mark:
            return Conflict(Code.UNEXPECTED) if desired.exists else None
        return self._observed(record, desired.fields)

    @staticmethod
    def _bears_name_of(desired: Desired, record: Record) -> bool:
        if (record["kind"], record["name"].lower()) != (desired.kind.value, desired.name.lower()):
            return False
        return desired.kind is Kind.ACCOUNT or record["folder"] == desired.place

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> None:
        if isinstance(step, Create):
            self._create(desired)
            return
        assert observed is not None
        record = self._record(observed.remote_id)
        if isinstance(step, Delete):
            self._delete(observed.remote_id)
            return
        if record is None:
            raise Transient(Code.UNEXPECTED)
        if isinstance(step, Rename | Place) and any(
            self._bears_name_of(desired, other) and other["number"] != record["number"] for other in self._records()
        ):
            raise Conflict(Code.UNEXPECTED)
        if isinstance(step, Rename):
            record["name"] = step.after
        elif isinstance(step, Place):
            record["folder"] = step.after
        elif isinstance(step, SetEnabled):
            record["open"] = step.after
        elif isinstance(step, SetFields):
            record["fields"] |= {name: after for name, _, after in step.changes}
        self._write(record)

    def everything(self, kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        ours = [record for record in self._records() if record["kind"] == kind.value and record["mark"]]
        for record in sorted(ours, key=self._depth):
            yield [self._observed(record, fields)]

    def _depth(self, record: Record) -> int:
        above = self._record(record["folder"] or "")
        return 0 if above is None else self._depth(above) + 1

    def _create(self, desired: Desired) -> None:
        if any(self._bears_name_of(desired, record) for record in self._records()):
            raise Conflict(Code.UNEXPECTED)
        number = f"D-{sum(1 for _ in self.folder.iterdir()) + 1:06}"
        self._write(
            {
                "number": number,
                "kind": desired.kind.value,
                "mark": desired.mark,
                "name": desired.name,
                "folder": desired.place,
                "open": desired.enabled,
                "fields": dict(desired.fields),
            }
        )

    def _delete(self, number: str) -> None:
        inside = [record for record in self._records() if record["folder"] == number]
        if inside:
            error: type[TargetError] = Transient if all(record["mark"] for record in inside) else Conflict
            raise error(Code.OU_NOT_EMPTY)
        (self.folder / number).write_text("destroyed")

    def _observed(self, record: Record, fields: Collection[str]) -> Observed:
        return Observed(
            remote_id=record["number"],
            mark=record["mark"],
            name=record["name"],
            place=record["folder"],
            address=f"archive:{record['number']}",
            enabled=record["open"],
            fields={name: record["fields"].get(name, "") for name in fields},
        )

    def _records(self) -> Iterator[Record]:
        for path in sorted(self.folder.iterdir()):
            if (record := self._record(path.name)) is not None:
                yield record

    def _record(self, number: str) -> Record | None:
        path = self.folder / number
        if not number or not path.exists() or path.read_text() == "destroyed":
            return None
        record: Record = json.loads(path.read_text())
        return record

    def _write(self, record: Record) -> None:
        (self.folder / record["number"]).write_text(json.dumps(record))


@dataclass(frozen=True, slots=True)
class ArchiveSchema:
    """A folder has a name and an OID, a file a name and whose it is."""

    names_agencies: ClassVar = True
    taken: ClassVar[Mapping[Kind, Code]] = dict.fromkeys(Kind, Code.UNEXPECTED)
    fields: ClassVar[Mapping[Kind, frozenset[str]]] = {
        Kind.AGENCY: frozenset({"oid"}),
        Kind.ACCOUNT: frozenset({"holder", "unit"}),
    }

    def agency(self, agency: Agency, name: str, place: str | None) -> Desired:
        return Desired(
            kind=Kind.AGENCY,
            object_id=str(agency.id),
            mark=agency_mark(agency),
            name=name,
            place=place,
            fields={"oid": agency.oid or ""},
        )

    def account(self, account: Account, agency: Agency, unit_oid: str, place: str | None) -> Desired:
        del agency
        return Desired(
            kind=Kind.ACCOUNT,
            object_id=str(account.id),
            mark=account_mark(account),
            name=account.account_name,
            place=place,
            enabled=may_sign_in(account),
            fields={"holder": account.profile.name, "unit": unit_oid},
            enforced=frozenset({ENABLED}),
        )
