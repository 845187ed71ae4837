"""What may be set about deletion and what the worker may take away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hufu_registry.accounts.model import AccountPolicy
from hufu_registry.kernel.policy import setting

# Keycloak is told it with each mail; the mail says so in words.
ACTIVATION_LINK_LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class SyncPolicy(AccountPolicy):
    """A deleted account stays disabled in the targets for `deletion_wait` before it is removed there."""

    deletion_wait: timedelta = setting(timedelta(days=30), minimum=timedelta(0), maximum=timedelta(days=3650))
    destructive_steps_per_hour: int = setting(300, minimum=1, maximum=1_000_000)
