"""A plan's steps as lines of a table: one field of one object each, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import PLACE, is_destructive
from hufu_registry.sync.model.plan_file import PlanFile, PlannedObject, changes_of, step_name
from hufu_registry.sync.store.plan_json import from_json


@dataclass(frozen=True, slots=True)
class PlanRow:
    """`step` is empty for what stays as somebody else made it; `code` says why nothing can be foretold."""

    key: OutboxKey
    title: str
    step: str = ""
    field: str = ""
    before: str = ""
    after: str = ""
    destructive: bool = False
    code: Code | None = None


def plan_in(text: str) -> PlanFile | None:
    """The plan as it is kept, of whatever version, to be read and not to be executed; None while there is none."""
    if not text:
        return None
    raw = json.loads(text)
    return from_json(text, version=raw["version"], registry_id=UUID(raw["registry_id"]))


def rows_of(planned: PlannedObject, places: Mapping[str, str]) -> Iterator[PlanRow]:
    """Its lines, what is taken away first; `places` are the readable addresses of places."""
    if planned.code is not None:
        yield PlanRow(planned.key, planned.title, code=planned.code)
    for step in sorted(planned.steps, key=is_destructive, reverse=True):
        for field, before, after in changes_of(step):
            values = (places.get(before, before), places.get(after, after)) if field == PLACE else (before, after)
            yield PlanRow(planned.key, planned.title, step_name(step), field, *values, is_destructive(step))
    for field, there, wanted in planned.left:
        yield PlanRow(planned.key, planned.title, "", field, there, wanted)
