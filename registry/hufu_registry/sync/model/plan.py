"""What has to change in a target, as data: pure, ordered, with before and after.

We overwrite only what we know. A field is written where the registry's value differs from what we last wrote
(kept as a hash); the enforced aspects of an object (its state, its membership) always. Any other difference is
drift: listed, not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hufu_registry.kernel.outbox import Kind

# Aspects that are no fields of the object, in the same list of hashes.
NAME = "@name"
PLACE = "@place"
ENABLED = "@enabled"
SECOND_FACTOR = "@second_factor"
ASPECTS = frozenset({NAME, PLACE, ENABLED, SECOND_FACTOR})
# What its person alone can put right: looked at, never written.
PERSONAL = frozenset({SECOND_FACTOR})

Fields = Mapping[str, str]

# Between the values of a field that has several in a target: the registry wants one, and none has a line break.
BETWEEN = "\n"


def in_one(values: Iterable[str]) -> str:
    """Several values as one text, which is like none of them; a target may tell them in any order."""
    return BETWEEN.join(sorted(values))


@dataclass(frozen=True, slots=True)
class Desired:
    """An object as the registry wants it in one target.

    `mark` says whose it is. `place` is the remote id of the agency (or parent agency) it belongs in, None for
    the top. `enabled` is None for what has no state. A field of "" is wanted absent. `exists` is false for what
    has to go; `for_security` marks a disabling that no limit may hold back. `source` is the remote id of the same
    object in the target that this one reads it from. `second_factor` says that its person must have set one up.
    """

    kind: Kind
    object_id: str
    mark: str
    name: str
    place: str | None
    enabled: bool | None = None
    fields: Fields = field(default_factory=dict)
    enforced: frozenset[str] = frozenset()
    exists: bool = True
    for_security: bool = False
    source: str | None = None
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """The same object as the target has it. `address` is for reading (a DN, a group's path).

    `surplus` are further places it is in, where a target allows more than one. `locked_at` is when sign-in was
    locked there; `protected` objects are never touched. `second_factor` is None where the target knows of none.
    One that is `outlived` was read from an object of its source that is gone, in whose place another stands.
    """

    remote_id: str
    mark: str
    name: str
    place: str | None
    address: str = ""
    enabled: bool | None = None
    fields: Fields = field(default_factory=dict)
    surplus: frozenset[str] = frozenset()
    locked_at: datetime | None = None
    protected: bool = False
    second_factor: bool | None = None
    outlived: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """Make it, whole, in one go where the target can."""

    step: Literal["create"] = field(default="create", kw_only=True)
    desired: Desired


@dataclass(frozen=True, slots=True)
class Rename:
    step: Literal["rename"] = field(default="rename", kw_only=True)
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Place:
    """Bring it to `after`, or to the top for None."""

    step: Literal["place"] = field(default="place", kw_only=True)
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Leave:
    """Take it out of a further place."""

    step: Literal["leave"] = field(default="leave", kw_only=True)
    place: str


@dataclass(frozen=True, slots=True)
class SetFields:
    """(field, before, after) in the order of names."""

    step: Literal["set_fields"] = field(default="set_fields", kw_only=True)
    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class SetEnabled:
    step: Literal["set_enabled"] = field(default="set_enabled", kw_only=True)
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove it; `address` is where it stood."""

    step: Literal["delete"] = field(default="delete", kw_only=True)
    address: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Put our mark on somebody else's object, because a person said so; `before` is the mark it had."""

    step: Literal["adopt"] = field(default="adopt", kw_only=True)
    before: str


# `step` is what each is called in files and in the history.
Step = Create | Rename | Place | Leave | SetFields | SetEnabled | Delete | Adopt


def is_destructive(step: Step) -> bool:
    """Whether somebody loses something by it: what the guard counts, and a plan must have shown."""
    if isinstance(step, SetEnabled):
        return not step.after
    if isinstance(step, Place):
        return step.before is not None
    return isinstance(step, Delete | Leave)


@dataclass(frozen=True, slots=True)
class Plan:
    """`written` is what to remember once the steps are done; `drift` the fields that differ and are left alone, each
    with what is there and what is wanted.
    """

    steps: tuple[Step, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    drift: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def plan(
    desired: Desired, observed: Observed | None, written: Mapping[str, str], hash_of: Callable[[str, str], str]
) -> Plan:
    """The steps that bring `observed` to `desired`; `hash_of(field, value)` is how written values are remembered."""
    if not desired.exists:
        return Plan() if observed is None else Plan((Delete(observed.address),))
    wanted = wanted_values(desired)
    hashes = {name: hash_of(name, value) for name, value in wanted.items()}
    if observed is None:
        return Plan((Create(desired),), {name: digest for name, digest in hashes.items() if name not in PERSONAL})
    if observed.outlived:
        return Plan((Delete(observed.address),))
    there = values_there(desired, observed)
    differing = {name for name in wanted if wanted[name] != there[name]}
    known = {name for name in wanted if written.get(name) == hashes[name]}
    to_write = {name for name in differing - PERSONAL if name not in known or name in desired.enforced}
    return Plan(
        steps=steps_for(desired, observed, to_write, there),
        written={name: hashes[name] for name in wanted if name not in known | PERSONAL},
        drift={name: (there[name], wanted[name]) for name in sorted(differing - to_write)},
    )


def wanted_values(desired: Desired) -> dict[str, str]:
    values = dict(desired.fields) | {NAME: desired.name, PLACE: desired.place or ""}
    if desired.enabled is not None:
        values[ENABLED] = str(desired.enabled)
    if desired.second_factor:
        values[SECOND_FACTOR] = str(True)
    return values


def values_there(desired: Desired, observed: Observed) -> dict[str, str]:
    values = {name: observed.fields.get(name, "") for name in desired.fields}
    values |= {NAME: observed.name, PLACE: observed.place or ""}
    if desired.enabled is not None:
        values[ENABLED] = str(observed.enabled)
    if desired.second_factor:
        values[SECOND_FACTOR] = str(observed.second_factor is not False)
    return values


def steps_for(desired: Desired, observed: Observed, to_write: set[str], there: Mapping[str, str]) -> tuple[Step, ...]:
    """Taking away comes first: who must not get in is out before anything else happens."""
    steps: list[Step] = []
    state = None
    if ENABLED in to_write and desired.enabled is not None:
        state = SetEnabled(before=bool(observed.enabled), after=desired.enabled)
    if state is not None and not state.after:
        steps.append(state)
    if NAME in to_write:
        steps.append(Rename(observed.name, desired.name))
    if PLACE in to_write:
        steps.append(Place(observed.place, desired.place))
    if PLACE in desired.enforced:
        steps.extend(Leave(place) for place in sorted(observed.surplus - {desired.place or ""}))
    changes = tuple(
        (name, there[name], desired.fields[name]) for name in sorted(to_write - ASPECTS) if name in desired.fields
    )
    if changes:
        steps.append(SetFields(changes))
    if state is not None and state.after:
        steps.append(state)
    return tuple(steps)
