"""A plan as a file: everything in it survives, and what is not ours is refused with the place named."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import (
    Adopt,
    Create,
    Delete,
    Desired,
    Leave,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    Step,
    is_destructive,
)
from hufu_registry.sync.model.plan_file import Forecast, PlanFile, PlannedObject, Scope, step_name
from hufu_registry.sync.store.plan_json import from_json, to_json

REGISTRY = UUID("5f3c6b0e-3f1f-4c7e-9d0e-1c8f5a6b7d01")
KEY = OutboxKey(Target.AD, Kind.ACCOUNT, "a")
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)

# Classes of the model are what they are made of: a new field or a new step is tried without a word here.
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))


def whole(**changes: Any) -> PlanFile:
    base = PlanFile(version="1.2.3", registry_id=REGISTRY, scope=Scope(), made_at=NOW, looked_at=1)
    return replace(base, **changes)


def read(text: str) -> PlanFile:
    return from_json(text, version="1.2.3", registry_id=REGISTRY)


@given(step=st.one_of(*(st.from_type(kind) for kind in get_args(Step))), code=st.sampled_from([None, *Code]))
def test_every_step_survives_the_file(step: Step, code: Code | None) -> None:
    planned = PlannedObject(KEY, "王小明", "CN=王小明", (step,), (("title", "科員", ""),), code)
    plan = whole(objects=(planned,), places={"ou-1": "OU=測試部"})
    assert read(to_json(plan)) == plan


@given(st.from_type(PlanFile))
def test_every_plan_survives_the_file(plan: PlanFile) -> None:
    assert from_json(to_json(plan), version=plan.version, registry_id=plan.registry_id) == plan


def test_each_step_has_a_name_of_its_own() -> None:
    names = [get_type_hints(kind)["step"] for kind in get_args(Step)]
    assert {name for literal in names for name in get_args(literal)} == {
        "create",
        "rename",
        "place",
        "leave",
        "set_fields",
        "set_enabled",
        "delete",
        "adopt",
    }
    assert step_name(SetFields(())) == "set_fields"


def test_the_file_says_how_many_lose_something_in_the_open() -> None:
    lost = PlannedObject(KEY, "a", steps=(SetEnabled(before=True, after=False), Leave("g")))
    kept = PlannedObject(KEY, "b", steps=(SetEnabled(before=False, after=True), Place(None, "g")))
    raw = json.loads(to_json(whole(objects=(lost, kept))))
    assert (raw["format"], raw["version"], raw["destructive"]) == (1, "1.2.3", 1)
    assert raw["objects"][0]["steps"][0] == {"step": "set_enabled", "before": True, "after": False}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": 2}, "plan_other_version"),
        ({"version": "1.2.4"}, "plan_other_version"),
        ({"registry_id": str(uuid4())}, "plan_other_registry"),
    ],
)
def test_a_plan_from_elsewhere_is_refused(change: dict[str, object], code: str) -> None:
    raw = json.loads(to_json(whole())) | change
    with pytest.raises(Invalid) as refused:
        read(json.dumps(raw))
    assert refused.value.code == code


def planned() -> dict[str, Any]:
    step = Place("ou-1", "ou-2")
    objects = (PlannedObject(KEY, "wang", "CN=wang", (step,), (("title", "a", "b"),)),)
    raw: dict[str, Any] = json.loads(to_json(whole(objects=objects)))
    return raw


def broken(change: Any) -> str:
    raw = planned()
    change(raw)
    return json.dumps(raw)


BROKEN = {
    "no JSON": ("{", "the file"),
    "no object": ("[]", "format"),
    "no plan": ('{"a": 1}', "format"),
    "too deep": ("[" * 200_000, "the file"),
    "scope missing": (broken(lambda raw: raw.pop("scope")), "scope"),
    "something else in it": (broken(lambda raw: raw.update(x=1)), "x"),
    "something else in a part": (broken(lambda raw: raw["objects"][0]["key"].update(x=1)), "objects[0].key.x"),
    "half a scope": (broken(lambda raw: raw["scope"].pop("account_id")), "scope.account_id"),
    "state is no truth value": (
        broken(lambda raw: raw["objects"][0].update(steps=[{"step": "set_enabled", "before": 1, "after": False}])),
        "objects[0].steps[0].before",
    ),
    "no moment": (broken(lambda raw: raw.update(made_at="soon")), "made_at"),
    "no number": (broken(lambda raw: raw["scope"].update(agency_id=True)), "scope.agency_id"),
    "no account": (broken(lambda raw: raw["scope"].update(account_id="x")), "scope.account_id"),
    "objects are none": (broken(lambda raw: raw.update(objects={})), "objects"),
    "unknown target": (broken(lambda raw: raw["objects"][0]["key"].update(target="fax")), "objects[0].key.target"),
    "unknown code": (broken(lambda raw: raw["objects"][0].update(code="x")), "objects[0].code"),
    "unknown step": (
        broken(lambda raw: raw["objects"][0]["steps"][0].update(step="format")),
        "objects[0].steps[0].step",
    ),
    "step of nothing": (broken(lambda raw: raw["objects"][0]["steps"][0].update(step=[])), "objects[0].steps[0].step"),
    "part of a step": (broken(lambda raw: raw["objects"][0]["steps"][0].pop("after")), "objects[0].steps[0].after"),
    "two of three": (broken(lambda raw: raw["objects"][0]["left"][0].pop()), "objects[0].left[0][2]"),
    "place is no text": (broken(lambda raw: raw["places"].update(x=1)), "places.x"),
}


@pytest.mark.parametrize(("text", "where"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_plan_is_refused_with_the_place_named(text: str, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text)
    assert (refused.value.code, refused.value.context) == ("plan_malformed", {"where": where})


def forecast(*steps: Step) -> Forecast:
    return whole(objects=(PlannedObject(KEY, "a", steps=steps),)).forecast()


def test_a_forecast_allows_what_takes_nothing_away() -> None:
    for step in (Rename("a", "b"), SetFields((("title", "a", "b"),)), SetEnabled(before=False, after=True), Adopt("")):
        assert forecast().allows(KEY, step)
    assert forecast().allows(KEY, Create(Desired(Kind.ACCOUNT, "a", "m", "a", None)))


def test_a_forecast_allows_only_the_losses_it_shows() -> None:
    other = OutboxKey(Target.AD, Kind.ACCOUNT, "b")
    for step in (SetEnabled(before=True, after=False), Place("ou-1", "ou-2"), Leave("g"), Delete("CN=a")):
        assert is_destructive(step)
        assert forecast(step).allows(KEY, step)
        assert not forecast(step).allows(other, step)
        assert not forecast().allows(KEY, step)
    assert not forecast(Place("ou-1", "ou-2")).allows(KEY, Place("ou-1", "ou-3"))
    assert not forecast(Leave("g")).allows(KEY, Delete("CN=a"))


def test_a_deletion_is_the_same_one_after_its_ou_was_renamed() -> None:
    assert forecast(Delete("CN=a,OU=old")).allows(KEY, Delete("CN=a,OU=new"))


def test_a_scope_is_one_thing() -> None:
    assert read(to_json(whole(scope=Scope(agency_id=AgencyId(7))))).scope == Scope(AgencyId(7))
    account = AccountId(uuid4())
    assert read(to_json(whole(scope=Scope(account_id=account)))).scope == Scope(None, account)
