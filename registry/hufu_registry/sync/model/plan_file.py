"""A plan as a person reads it, keeps it, hands it on and has it executed; and the forecast it makes.

The file is JSON, its shape that of the types here. It may hold personal data: the values before and after.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from hufu_registry.kernel.errors import Invalid
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

FORMAT = 1
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

    def to_json(self) -> str:
        head = {"format": FORMAT, "destructive": self.destructive}
        return json.dumps(head | _encoded(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str, *, version: str, registry_id: UUID) -> PlanFile:
        """The plan, if this version made it from this registry.

        Raises Invalid("plan_malformed", where), Invalid("plan_other_version", theirs, ours),
        Invalid("plan_other_registry").
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise _malformed("the file") from fault
        if not isinstance(raw, dict) or "format" not in raw:
            raise _malformed("format")
        if raw["format"] != FORMAT or raw.get("version") != version:
            raise Invalid("plan_other_version", theirs=raw.get("version"), ours=version)
        if raw.get("registry_id") != str(registry_id):
            raise Invalid("plan_other_registry")
        plan: PlanFile = _decoded(cls, {key: raw[key] for key in raw if key not in {"format", "destructive"}}, "")
        return plan


STEPS: Mapping[str, type] = {re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): kind for kind in get_args(Step)}
STEP_NAMES: Mapping[type, str] = {kind: name for name, kind in STEPS.items()}


def step_name(step: Step) -> str:
    """What the step is called in lists and in the history: `set_fields`; of a state the way it goes, `disable`."""
    if isinstance(step, SetEnabled):
        return "enable" if step.after else "disable"
    return STEP_NAMES[type(step)]


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


def _encoded(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        tag = {"step": STEP_NAMES[type(value)]} if type(value) in STEP_NAMES else {}
        return tag | {one.name: _encoded(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: _encoded(value[key]) for key in sorted(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_encoded(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, (UUID, StrEnum)) else value


def _decoded(kind: Any, raw: Any, where: str) -> Any:
    """`raw` as the type `kind` says; `where` names the place for the complaint."""
    if isinstance(kind, NewType):
        return _decoded(kind.__supertype__, raw, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        return _decoded_choice(inner, raw, where)
    if origin is tuple:
        return _decoded_tuple(inner, raw, where)
    if origin is frozenset:
        return frozenset(_decoded(inner[0], one, where) for one in _checked(list, raw, where))
    if origin is Mapping:
        return {key: _decoded(inner[1], one, f"{where}.{key}") for key, one in _checked(dict, raw, where).items()}
    if is_dataclass(kind):
        return _decoded_fields(kind, raw, where)
    if kind in {str, int, bool}:
        return _checked(kind, raw, where)
    try:
        text = _checked(str, raw, where)
        return datetime.fromisoformat(text).astimezone(UTC) if kind is datetime else kind(text)
    except ValueError as fault:
        raise _malformed(where) from fault


def _decoded_choice(kinds: tuple[Any, ...], raw: Any, where: str) -> Any:
    """Either None is one of them, or they are the steps."""
    if types.NoneType in kinds:
        return None if raw is None else _decoded(next(kind for kind in kinds if kind is not types.NoneType), raw, where)
    name = _checked(dict, raw, where).get("step")
    if not isinstance(name, str) or name not in STEPS:
        raise _malformed(f"{where}.step")
    return _decoded(STEPS[name], {key: one for key, one in raw.items() if key != "step"}, where)


def _decoded_tuple(kinds: tuple[Any, ...], raw: Any, where: str) -> tuple[Any, ...]:
    parts: list[Any] = _checked(list, raw, where)
    each = kinds[:1] * len(parts) if kinds[-1] is Ellipsis else kinds
    if len(each) != len(parts):
        raise _malformed(where)
    return tuple(_decoded(kind, one, f"{where}[{at}]") for at, (kind, one) in enumerate(zip(each, parts, strict=True)))


def _decoded_fields(kind: Any, raw: Any, where: str) -> Any:
    hints, given = get_type_hints(kind), _checked(dict, raw, where)
    odd = sorted(set(hints) ^ set(given))
    if odd:
        raise _malformed(f"{where}.{odd[0]}".lstrip("."))
    return kind(**{name: _decoded(hint, given[name], f"{where}.{name}".lstrip(".")) for name, hint in hints.items()})


def _checked(kind: type, raw: Any, where: str) -> Any:
    # A truth value is a number to Python, and none to us.
    if type(raw) is not kind:
        raise _malformed(where)
    return raw


def _malformed(where: str) -> Invalid:
    return Invalid("plan_malformed", where=where)
