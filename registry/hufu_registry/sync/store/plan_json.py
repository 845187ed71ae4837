"""A plan as text: JSON in the shape of the model's types, strictly read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Annotated, Any, Literal, get_type_hints
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)

from hufu_registry.kernel.errors import Invalid
from hufu_registry.sync.model.plan import Step
from hufu_registry.sync.model.plan_file import PlanFile, PlannedObject, Scope

FORMAT = 1
# No text is taken for a number, and nothing unknown is passed over: a plan is executed as it was read.
CONFIG = ConfigDict(strict=True, extra="forbid")
# What stands in the file beside the plan itself, for whoever reads it without us.
HEAD = {"format": Literal[1], "destructive": int}


def _strictly(model: type[Any], **types: Any) -> Any:
    """The model's class, read with these types instead of its own; every field has to be there."""
    names = [each.name for each in fields(model)]
    hints = {**get_type_hints(model), **types}
    parts: dict[str, Any] = {name: (hint, ...) for name, hint in hints.items()}
    shape = create_model(model.__name__, __config__=CONFIG, **parts)

    def made(values: Any) -> Any:
        return model(**{name: getattr(values, name) for name in names})

    return Annotated[shape, AfterValidator(made)]


_object: Any = _strictly(PlannedObject, steps=tuple[Annotated[Step, Field(discriminator="step")], ...])
_plan: TypeAdapter[PlanFile] = TypeAdapter(
    _strictly(PlanFile, scope=_strictly(Scope), made_at=AwareDatetime, objects=tuple[_object, ...], **HEAD)
)


def to_json(plan: PlanFile) -> str:
    head = {"format": FORMAT, "destructive": plan.destructive}
    return json.dumps(head | asdict(plan), ensure_ascii=False, indent=1, default=_plain)


def _plain(value: Any) -> Any:
    """What JSON has no word for; sets in order, so that one plan is one text."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def from_json(text: str, *, version: str, registry_id: UUID) -> PlanFile:
    """The plan, if this version made it from this registry.

    Raises Invalid("plan_malformed", where), Invalid("plan_other_version", theirs, ours),
    Invalid("plan_other_registry").
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise Invalid("plan_malformed", where="the file") from fault
    if not isinstance(raw, dict) or "format" not in raw:
        raise Invalid("plan_malformed", where="format")
    if raw["format"] != FORMAT or raw.get("version") != version:
        raise Invalid("plan_other_version", theirs=raw.get("version"), ours=version)
    if raw.get("registry_id") != str(registry_id):
        raise Invalid("plan_other_registry")
    try:
        return _plan.validate_json(text)
    except ValidationError as fault:
        raise Invalid("plan_malformed", where=_place(fault)) from fault


def _place(fault: ValidationError) -> str:
    """Where the first thing is that is wrong: `objects[0].steps[0].after`."""
    error = fault.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ""
    parts = list(error["loc"])
    for number, part in enumerate(parts):
        if number >= 2 and parts[number - 2] == "steps":
            # The name of the step, which is no place in the file.
            continue
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    if error["type"].startswith("union_tag"):
        place += ".step"
    return place.removeprefix(".")
