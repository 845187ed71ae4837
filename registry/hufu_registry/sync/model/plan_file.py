"""A plan as a person reads it, keeps it, hands it on and has it executed; and the forecast it makes.

Its file (store/plan_json.py) has the shape of the types here. It may hold personal data: the values before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.sync.model.plan import (
    ENABLED,
    NAME,
    PLACE,
    Adopt,
    Create,
    Delete,
    Leave,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    Step,
    is_destructive,
    wanted_values,
)
from hufu_registry.sync.model.work import Code

MARK = "@mark"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan is about: an agency and all below it, or one account, or (with neither) everything."""

    agency_id: AgencyId | None = None
    account_id: AccountId | None = None


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """What would happen to one object in one target.

    `left` is what somebody else changed and what stays so: (field, there, wanted). `code` says why nothing can be
    foretold: what it waits for, or what is wrong with it.
    """

    key: OutboxKey
    title: str
    address: str = ""
    steps: tuple[Step, ...] = ()
    left: tuple[tuple[str, str, str], ...] = ()
    code: Code | None = None

    @property
    def destructive(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if is_destructive(step))


@dataclass(frozen=True, slots=True)
class Forecast:
    """The destructive steps a person has seen, by object; any other step needs nobody's leave."""

    seen: Mapping[OutboxKey, tuple[Step, ...]]

    def allows(self, key: OutboxKey, step: Step) -> bool:
        return not is_destructive(step) or any(_same_loss(step, seen) for seen in self.seen.get(key, ()))


def _same_loss(step: Step, seen: Step) -> bool:
    """A deletion stays the same one when what the object stands in has moved since."""
    return step == seen or (isinstance(step, Delete) and isinstance(seen, Delete))


@dataclass(frozen=True, slots=True)
class PlanFile:
    """`version` is ours, of the program that made it; `looked_at` counts the objects looked at, those that are as
    they should be are not in `objects`. `places` gives remote ids of places their readable addresses.
    """

    version: str
    registry_id: UUID
    scope: Scope
    made_at: datetime
    looked_at: int
    objects: tuple[PlannedObject, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def destructive(self) -> int:
        """How many objects lose something."""
        return sum(1 for planned in self.objects if planned.destructive)

    def forecast(self) -> Forecast:
        return Forecast({planned.key: planned.destructive for planned in self.objects if planned.destructive})


def step_name(step: Step) -> str:
    """What the step is called in lists and in the history: `set_fields`; of a state the way it goes, `disable`."""
    if isinstance(step, SetEnabled):
        return "enable" if step.after else "disable"
    return step.step


def changes_of(step: Step) -> tuple[tuple[str, str, str], ...]:
    """What the step changes, for reading: (field or aspect, before, after); places are remote ids, if they have one."""
    match step:
        case Create(desired):
            return tuple((name, "", text) for name, text in sorted(wanted_values(desired).items()) if text)
        case Rename(before, after):
            return ((NAME, before, after),)
        case Place(before, after):
            return ((PLACE, before or "", after or ""),)
        case Leave(place):
            return ((PLACE, place, ""),)
        case SetFields(changes):
            return changes
        case SetEnabled(before, after):
            return ((ENABLED, str(before), str(after)),)
        case Delete(address):
            return ((NAME, address, ""),)
        case Adopt(before):
            return ((MARK, before, ""),)
