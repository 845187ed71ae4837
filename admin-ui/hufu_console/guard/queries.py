"""What the pages of held sets show."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import hufu_registry.guard.store as lists
from hufu_console.web.context import registry
from hufu_console.web.paging import Read
from hufu_console.web.viewer import Viewer
from hufu_registry.guard.model import Change, HeldChange, HeldState, limits_of
from hufu_registry.kernel.paging import Page, Paged


@dataclass(frozen=True, slots=True)
class HeldChangeView:
    """`may_release`: it is held, and the viewer is not the one person who may not release it."""

    held_change: HeldChange
    changes: Paged[Change]
    may_release: bool

    @property
    def is_held(self) -> bool:
        return self.held_change.state is HeldState.HELD


def held_changes(state: HeldState | None) -> Read[HeldChange]:
    return lambda connection, page: lists.list_held_changes(connection, page, state=state)


def changes(held_id: UUID) -> Read[Change]:
    return lambda connection, page: lists.changes_page(connection, held_id, page)


def view_of(viewer: Viewer, held_id: UUID, page: Page) -> HeldChangeView:
    """Raises NotFound("held_change")."""
    with registry().read() as connection:
        held_change = lists.held_change_of(connection, held_id)
        listed = lists.changes_page(connection, held_id, page)
    needs_another = held_change.needs_another_than(viewer.account_id, limits_of(registry().policy))
    return HeldChangeView(held_change, listed, may_release=held_change.state is HeldState.HELD and not needs_another)
