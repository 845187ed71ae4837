"""What the pages of held sets show."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import hufu_registry.effects.store as lists
from hufu_console.frame.context import registry
from hufu_console.frame.paging import Read
from hufu_console.frame.viewer import Viewer
from hufu_registry.effects.model import Change, Effect, EffectState, limits_of
from hufu_registry.kernel.paging import Page, Paged


@dataclass(frozen=True, slots=True)
class EffectView:
    """`may_release`: it is held, and the viewer is not the one person who may not release it."""

    effect: Effect
    changes: Paged[Change]
    may_release: bool

    @property
    def is_held(self) -> bool:
        return self.effect.state is EffectState.HELD


def effects(state: EffectState | None) -> Read[Effect]:
    return lambda connection, page: lists.held_effects(connection, page, state=state)


def changes(effect_id: UUID) -> Read[Change]:
    return lambda connection, page: lists.effect_changes_of(connection, effect_id, page)


def view_of(viewer: Viewer, effect_id: UUID, page: Page) -> EffectView:
    """Raises NotFound("effect")."""
    with registry().read() as connection:
        effect = lists.effect_of(connection, effect_id)
        listed = lists.effect_changes_of(connection, effect_id, page)
    needs_another = effect.needs_another_than(viewer.account_id, limits_of(registry().policy))
    return EffectView(effect, listed, may_release=effect.state is EffectState.HELD and not needs_another)
