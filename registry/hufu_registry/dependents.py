"""Who hangs on agencies: what the features say of themselves, asked in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.feature import Feature
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import OutboxKey


class Dependents:
    """One transaction's; those to the right go first, as what stands left of them may need theirs."""

    def __init__(self, work: Any, features: Sequence[Feature]) -> None:
        self._work = work
        self._declared = list(chain.from_iterable(feature.dependents for feature in reversed(features)))

    def held_by(self, agency_ids: Collection[AgencyId]) -> Mapping[AgencyId, frozenset[str]]:
        names_by_agency: dict[AgencyId, set[str]] = defaultdict(set)
        for declared in self._declared:
            for agency_id in declared.held_by(self._work, agency_ids):
                names_by_agency[agency_id].add(declared.name)
        return {agency_id: frozenset(names) for agency_id, names in names_by_agency.items()}

    def hand_over(self, services: Any, agency: Agency, successor: Agency) -> Mapping[str, int]:
        return {
            declared.name: declared.hand_over(self._work, services, agency, successor) for declared in self._declared
        }

    def unit_renamed(self, unit_id: AgencyId, name: str) -> Sequence[OutboxKey]:
        followers = [declared.unit_renamed for declared in self._declared if declared.unit_renamed is not None]
        return [key for follow in followers for key in follow(self._work, unit_id, name)]
