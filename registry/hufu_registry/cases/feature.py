"""What the cases bring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.cases.engine.store import SqlCases
from hufu_registry.cases.engine.use_cases.dependents import places_of_cases, readdress_cases
from hufu_registry.cases.engine.use_cases.ports import CaseType, types_in
from hufu_registry.cases.events import EVENTS
from hufu_registry.cases.notices import NOTICES
from hufu_registry.cases.permissions import PERMISSIONS
from hufu_registry.cases.types.activation import ACTIVATION
from hufu_registry.cases.use_cases import assign_deciders
from hufu_registry.kernel.feature import Dependent, Feature, TimedTask
from hufu_registry.kernel.outbox import OutboxKey

FEATURE = Feature(
    "cases",
    permissions=PERMISSIONS,
    events=EVENTS,
    notices=NOTICES,
    dependents=(Dependent("cases", places_of_cases, readdress_cases),),
    case_types=(ACTIVATION,),
    # What a transaction changes is followed within it; rights that begin or end by their date are found here.
    tasks=(TimedTask("deciders", timedelta(minutes=10), assign_deciders),),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self.connection, self.tools.keys, self.now, self.case_types)

    @property
    def case_types(self) -> Mapping[str, CaseType]:
        return types_in(self.features())

    def flush(self) -> Mapping[OutboxKey, int]:
        """The cases come to those who decide now."""
        if self.deciders_changed:
            self.cases.assign_deciders(self.deciders_changed)
        return super().flush()
