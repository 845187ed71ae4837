"""From desired and observed to steps: pure, so that the second plan can be shown to be empty."""

import hashlib
import json
from collections.abc import Iterator

from hufu_realm.model import (
    MASK,
    Action,
    Body,
    Change,
    Desired,
    Json,
    Kind,
    Name,
    Observed,
    Part,
    Secret,
    Step,
)

ORDER = {kind: place for place, kind in enumerate(Kind)}
HIDDEN = "**********"  # what the server answers in place of a value it will not show
UNDECLARED = "default.reference."  # the server hides settings that an authenticator does not declare itself
REMEMBERED = "hufu.digest."
# Below these fields the server may hold nothing that our data does not say.
EXACT = {Kind.FLOW: "steps", Kind.USER_PROFILE: "attributes."}


def plan(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """The steps that bring the server to our data, in the order in which they can be done."""
    memory = observed.parts.get(Name(Kind.MEMORY, ""))
    remembered = memory.body if memory else {}
    steps = [step for part in with_memory(desired).parts if (step := _step(part, observed, remembered))]
    steps += _removals(desired, observed)
    return tuple(sorted(steps, key=lambda step: ORDER[step.name.kind]))


def _step(part: Part, observed: Observed, remembered: Body) -> Step | None:
    seen = observed.parts.get(part.name)
    changes = tuple(_changes(part.body, seen.body if seen else None, "", part.name, remembered))
    if seen is None:
        return Step(Action.CREATE, part.name, changes, part.body)
    return Step(Action.CHANGE, part.name, changes, part.body, seen) if changes else None


def _removals(desired: Desired, observed: Observed) -> list[Step]:
    wanted = {part.name for part in desired.parts}
    return [
        Step(Action.REMOVE, name, seen=seen)
        for name, seen in sorted(observed.parts.items())
        if (name.kind, name.owner) in desired.whole and name not in wanted
    ]


def _changes(want: Json, have: Json, path: str, name: Name, remembered: Body) -> Iterator[Change]:
    if isinstance(want, dict) and (isinstance(have, dict) or have is None):
        there = have or {}
        for key, value in want.items():
            yield from _changes(value, there.get(key), f"{path}.{key}".lstrip("."), name, remembered)
        if path.startswith(EXACT.get(name.kind, "nothing")):
            for key in sorted(there.keys() - want.keys()):
                if there[key]:
                    yield Change(f"{path}.{key}", show(there[key]), "")
    elif not _same(want, have, path, name, remembered):
        before = MASK if have and (isinstance(want, Secret) or have == HIDDEN) else show(have)
        yield Change(path, before, show(want))


def _same(want: Json, have: Json, path: str, name: Name, remembered: Body) -> bool:
    if have == HIDDEN:
        return remembered.get(memory_key(name, path)) == digest(want, memory_key(name, path))
    if isinstance(want, Secret):
        return want.value == have
    if want in ("", None) or want == []:
        return have in ("", None) or have == []
    if isinstance(want, list) and isinstance(have, list) and all(isinstance(item, str) for item in want):
        return sorted(map(str, want)) == sorted(map(str, have))
    return want == have


def show(value: Json) -> str:
    """A value as a plan prints it."""
    if value is None:
        return ""
    if isinstance(value, Secret):
        return MASK
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def with_memory(desired: Desired) -> Desired:
    """The data plus digests of those values that the server will never show again."""
    digests: Body = {
        memory_key(part.name, path): digest(value, memory_key(part.name, path))
        for part in desired.parts
        if part.name.kind in (Kind.REALM, Kind.COMPONENT, Kind.FLOW)
        for path, value in _unreadable(part.body, "")
    }
    if not digests:
        return desired
    return Desired(desired.realm, (*desired.parts, Part(Name(Kind.MEMORY, ""), digests)), desired.whole)


def _unreadable(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _unreadable(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, Secret) or UNDECLARED in path:
        yield path, value


def memory_key(name: Name, path: str) -> str:
    """Under which realm attribute the digest of a value is remembered."""
    place = hashlib.sha256(f"{name} {path}".encode()).hexdigest()[:8]
    return f"{REMEMBERED}{name.kind}.{name.key}.{path.rpartition('.')[2]}.{place}".replace(" ", "-")


def digest(value: Json, salt: str) -> str:
    """Slow and salted: whoever reads the realm's attributes cannot try passwords quickly."""
    clear = value.value if isinstance(value, Secret) else str(value)
    return hashlib.scrypt(clear.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=24).hex()
