"""What a realm is made of, as frozen values: parts, the secrets inside them, the steps between two states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

MASK = "********"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value from a file; it never shows itself."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return MASK


Json: TypeAlias = "bool | int | float | str | Secret | list[Json] | dict[str, Json] | None"
Body: TypeAlias = dict[str, Json]


def mapping(value: Json) -> Body:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


class Kind(StrEnum):
    """The order in which parts are made, since later ones refer to earlier ones."""

    REALM = "realm"
    USER_PROFILE = "user_profile"
    TEXTS = "texts"
    COMPONENT = "component"
    COMPONENT_MAPPER = "component_mapper"
    REQUIRED_ACTION = "required_action"
    FLOW = "flow"
    BINDINGS = "bindings"
    CLIENT_SCOPE = "client_scope"
    SCOPE_MAPPER = "scope_mapper"
    DEFAULT_SCOPES = "default_scopes"
    CLIENT = "client"
    CLIENT_SCOPES = "client_scopes"
    SERVICE_ROLES = "service_roles"
    MEMORY = "memory"


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """Which part: its kind, its own name, and the part it belongs to (a mapper's scope, a role's client)."""

    kind: Kind
    key: str
    owner: str = ""

    def __str__(self) -> str:
        inside = f"{self.owner} / {self.key}" if self.owner else self.key
        return f"{self.kind} {inside}".rstrip()


@dataclass(frozen=True, slots=True)
class Part:
    """A part as our data wants it; fields it does not name are nobody's business."""

    name: Name
    body: Body


@dataclass(frozen=True, slots=True)
class Seen:
    """A part as the server has it, with the server's id for it."""

    name: Name
    body: Body
    id: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """The whole data of one realm. Mappers of an owner named in `whole` are wholly ours."""

    realm: str
    parts: tuple[Part, ...]
    whole: frozenset[tuple[Kind, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Observed:
    """What the server has of what our data names; `exists` is false where there is no such realm."""

    exists: bool = False
    parts: Mapping[Name, Seen] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; secrets are masked on both sides."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; `body` is what is wanted, `seen` what was there."""

    action: Action
    name: Name
    changes: tuple[Change, ...] = ()
    body: Body = field(default_factory=dict)
    seen: Seen | None = None
