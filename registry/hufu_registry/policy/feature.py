"""What the settings bring: the policy as it is now, for every transaction that asks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import hufu_registry.kernel.stores as kernel
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.feature import Feature
from hufu_registry.kernel.policy import Setting
from hufu_registry.policy.events import EVENTS
from hufu_registry.policy.permissions import PERMISSIONS
from hufu_registry.policy.store import SqlSettings

FEATURE = Feature("policy", events=EVENTS, permissions=PERMISSIONS)


class Stores(kernel.Stores):
    feature = FEATURE

    @classmethod
    @cache
    def declared(cls) -> Mapping[str, Setting]:
        """Every feature's settings by their key."""
        return {setting.key: setting for feature in cls.features() for setting in feature.settings}

    @cached_property
    def settings(self) -> SqlSettings:
        return SqlSettings(self.connection, self.declared(), self.tools.policy, self.now)

    @cached_property
    def policy(self) -> Any:
        """Read when first asked for; its type is said where every feature's part is known."""
        return self.settings.in_force()

    def policy_at(self, agency: Agency) -> Any:
        return self.settings.in_force_at(self.policy, agency.path.ids)
