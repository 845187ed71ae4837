"""Taking a list out of the house: at once where it is short, else by an export; and the record of either."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

import hufu_registry.accounts.use_cases as accounts
from hufu_registry.accounts.model import AccountState
from hufu_registry.exports.model import FILE_LIFETIME, LOST_AFTER, Export, ExportMove, ExportState
from hufu_registry.kernel.actor import Actor, account_actor
from hufu_registry.kernel.errors import Denied, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.keys import Unreadable
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.work import Services


class Exports(Protocol):
    def add(self, export: Export, words: str) -> None: ...
    def get(self, export_id: UUID, *, lock: bool = False) -> Export:
        """Raises NotFound("export"), also for one that has expired."""

    def same_unfinished(self, export: Export, words: str) -> Export | None:
        """The one that the same person asked for with the same filters and words, and that is not written yet."""

    def save(self, export: Export) -> None: ...
    def finish(self, export: Export, content: bytes) -> None: ...
    def content_of(self, export_id: UUID) -> bytes:
        """Raises Unreadable."""

    def words_of(self, export_id: UUID) -> str:
        """What was searched for. Raises Unreadable."""

    def claim(self, export_id: UUID) -> bool:
        """Whether the caller may write it: nobody else can until this transaction ends, be it by his death."""

    def unclaimed(self) -> Sequence[UUID]:
        """Those to be written that nobody writes: first what waits, oldest first, then what a dead process began."""

    def note_rows(self, export_id: UUID, rows: int) -> None:
        """So many rows are written, as long as it is under way."""

    def begun_before(self, moment: datetime) -> Sequence[UUID]:
        """Those under way since before the moment."""

    def forget_expired(self, now: datetime) -> None: ...


class Work(accounts.Work, Protocol):
    @property
    def exports(self) -> Exports: ...


@dataclass(frozen=True, slots=True)
class RequestExport:
    list_name: str
    recorded_as: str
    permission: Permission
    parameters: Mapping[str, object]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What the process wrote: the file, its name, how many rows it holds, and over which agencies; None for all."""

    content: bytes
    file_name: str
    rows: int
    scope: frozenset[AgencyId] | None = None


def require_somewhere(
    work: Work, account_id: AccountId | None, permission: Permission, *, lock: bool = True
) -> AccountId:
    """The list's own query leaves out what its taker may not see; here, that he may take the list at all.

    Unless only looked at, the grants are held until the transaction ends. Raises Denied.
    """
    account = None if account_id is None else work.accounts.find(account_id)
    if account is None or account.state in (AccountState.DISABLED, AccountState.DELETED):
        raise Denied("right_missing", permission=permission.name)
    if not work.grants.of(account.id, lock=lock).gives(permission):
        raise Denied("right_missing", permission=permission.name)
    return account.id


def require_scope(
    work: Work, account_id: AccountId, permission: Permission, scope: Collection[AgencyId] | None
) -> None:
    """Whoever lost the permission at an agency of the file does not get it. Raises Denied("export_scope")."""
    has = work.grants.scope(account_id, permission)
    if has is not None and (scope is None or not has.issuperset(scope)):
        raise Denied("export_scope")


def record_export(recorded_as: str, rows: int, permission: Permission, services: Services[Work], actor: Actor) -> None:
    """Somebody takes a short list out of the house at once. Raises Denied."""
    with services.begin(actor) as work:
        require_somewhere(work, actor.account_id, permission)
        _record(work, recorded_as, rows)


def _record(work: Work, recorded_as: str, rows: int) -> None:
    work.audit.record("list.exported", object_kind="list", object_id=recorded_as, new={"rows": rows})


def request_export(command: RequestExport, services: Services[Work], actor: Actor) -> Export:
    """Raises Denied. Whoever asks twice for the same gets the one that is on its way."""
    with services.begin(actor) as work:
        asker = require_somewhere(work, actor.account_id, command.permission)
        export = Export(
            id=services.ids.new(),
            requested_by=asker,
            list_name=command.list_name,
            recorded_as=command.recorded_as,
            parameters=command.parameters,
            state=ExportState.WAITING,
            created_at=work.now,
            expires_at=work.now + FILE_LIFETIME,
        )
        on_its_way = work.exports.same_unfinished(export, command.words)
        if on_its_way is not None:
            return on_its_way
        work.exports.add(export, command.words)
    return export


def own_export(export_id: UUID, work: Work, actor: Actor) -> Export:
    """Raises NotFound("export") for everybody else's."""
    export = work.exports.get(export_id)
    if export.requested_by != actor.account_id:
        raise NotFound("export")
    return export


def retry_export(export_id: UUID, permission: Permission, services: Services[Work], actor: Actor) -> None:
    """One that failed is written anew. Raises NotFound("export"), Denied, IllegalMove."""
    with services.begin(actor) as work:
        own_export(export_id, work, actor)
        require_somewhere(work, actor.account_id, permission)
        work.exports.save(work.exports.get(export_id, lock=True).moved(ExportMove.RETRY, work.now))


def take_content(export_id: UUID, permission: Permission, work: Work, actor: Actor) -> tuple[Export, bytes]:
    """The file, for its owner, who still has the permission wherever he had it. Raises NotFound("export"), Denied."""
    export = own_export(export_id, work, actor)
    owner = require_somewhere(work, actor.account_id, permission, lock=False)
    if export.state is not ExportState.READY:
        raise NotFound("export")
    require_scope(work, owner, permission, export.scope)
    try:
        return export, work.exports.content_of(export_id)
    except Unreadable as error:
        raise NotFound("export") from error


def begin_export(export_id: UUID, services: Services[Work], actor: Actor) -> Export | None:
    """To be written by the caller, who has claimed it; None where it is done, or gone."""
    with services.begin(actor) as work:
        try:
            export = work.exports.get(export_id, lock=True)
        except NotFound:
            return None
        if not export.is_unfinished:
            return None
        running = export.moved(ExportMove.BEGIN, work.now)
        work.exports.save(running)
    return running


def note_progress(export_id: UUID, rows: int, services: Services[Work], actor: Actor) -> None:
    """For whoever watches it."""
    with services.begin(actor) as work:
        work.exports.note_rows(export_id, rows)


def finish_export(
    export_id: UUID, written: Written, permission: Permission, services: Services[Work], actor: Actor
) -> None:
    """Keep the file, and record that it was taken, as `actor`, whose export it is.

    Raises NotFound("export"), Denied where he lost the permission meanwhile, or a part of the scope it was written in,
    IllegalMove where it was given up.
    """
    with services.begin(actor) as work:
        export = own_export(export_id, work, actor)
        owner = require_somewhere(work, actor.account_id, permission)
        require_scope(work, owner, permission, written.scope)
        finished = work.exports.get(export_id, lock=True).moved(ExportMove.FINISH, work.now)
        scope = None if written.scope is None else sorted(written.scope)
        told = replace(finished, file_name=written.file_name, rows=written.rows, scope=scope)
        work.exports.finish(told, written.content)
        _record(work, export.recorded_as, written.rows)


def fail_export(export_id: UUID, services: Services[Work], actor: Actor) -> None:
    """It could not be written; its owner may try again. Harmless where it is done, or gone."""
    with services.begin(actor) as work:
        try:
            export = work.exports.get(export_id, lock=True)
        except NotFound:
            return
        if export.is_unfinished:
            work.exports.save(export.moved(ExportMove.FAIL, work.now))


def settle_exports(services: Services[Work], actor: Actor) -> None:
    """Files that have had their day are forgotten; what a process left behind unfinished has failed."""
    with services.begin(actor) as work:
        work.exports.forget_expired(work.now)
        lost = work.exports.begun_before(work.now - LOST_AFTER)
    for export_id in lost:
        fail_export(export_id, services, actor)


def owner_of(export: Export) -> Actor:
    return account_actor(export.requested_by)
