"""The worker's own settings, as the stack would give them to it."""

from __future__ import annotations

from hufu_stack.environment import environment
from hufu_stack.stack import Stack
from hufu_sync.settings import SyncSettings


def settings_of(stack: Stack, **changes: object) -> SyncSettings:
    values = {name.removeprefix("HUFU_").lower(): value for name, value in environment(stack.profile, "worker").items()}
    return SyncSettings.model_validate(values | changes)
