"""What the pages of held sets show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from flask_babel import ngettext

import hufu_registry.guard.store as lists
from hufu_console.web.context import policy, reading
from hufu_console.web.feature import composition
from hufu_console.web.viewer import Viewer
from hufu_registry.accounts.store import names_of
from hufu_registry.guard.model import HeldChange, HeldMove, limits_of
from hufu_registry.kernel.ids import AccountId


@dataclass(frozen=True, slots=True)
class HeldChangeRow:
    """A set with the names of who asked for it and who decided; empty for the operator, or nobody."""

    held_change: HeldChange
    requested_by: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class HeldChangeView:
    """`may_release`: its state allows it, and the viewer is not the one person who may not release it."""

    held_change: HeldChange
    row: HeldChangeRow
    may_release: bool

    @property
    def may_cancel(self) -> bool:
        return HeldMove.CANCEL in self.held_change.moves()


def held_home(viewer: Viewer) -> object | None:
    """How many wait, for the first page of whoever releases them; None for others, and where none does."""
    count = count_held(viewer) if composition().opens("guard.held_changes", viewer) else 0
    return held_said(count) if count else None


def held_said(count: int) -> object:
    return ngettext("%(num)s change on hold waits for a decision", "%(num)s changes on hold wait for a decision", count)


def count_held(_viewer: Viewer) -> int:
    with reading() as work:
        return lists.count_held(work.connection)


def with_names(connection: sa.Connection, held_changes: Sequence[HeldChange]) -> Sequence[HeldChangeRow]:
    people = {
        account_id
        for held_change in held_changes
        for account_id in (held_change.requested_by, held_change.decided_by)
        if account_id
    }
    names = names_of(connection, people)

    def name_of(account_id: AccountId | None) -> str:
        return names.get(account_id, "") if account_id else ""

    return [
        HeldChangeRow(held_change, name_of(held_change.requested_by), name_of(held_change.decided_by))
        for held_change in held_changes
    ]


def view_of(viewer: Viewer, held_id: UUID) -> HeldChangeView:
    """Raises NotFound("held_change")."""
    with reading() as work:
        held_change = lists.held_change_of(work.connection, held_id)
        (row,) = with_names(work.connection, [held_change])
    needs_another = held_change.needs_another_than(viewer.account_id, limits_of(policy()))
    may_release = HeldMove.RELEASE in held_change.moves() and not needs_another
    return HeldChangeView(held_change, row, may_release=may_release)
