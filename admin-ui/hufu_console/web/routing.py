"""What a feature says of each of its addresses: what answers it, who may ask, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from hufu_registry.kernel.errors import Denied, NotFound
from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission
from hufu_registry.rights.model import Rights

GET = ("GET",)
FORM = ("GET", "POST")
POST = ("POST",)


class Access(Enum):
    """Where no permission is asked. What MACHINES ask carries no form's token, and nobody is looked up for it."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    MACHINES = "machines"


PUBLIC, SIGNED_IN, MACHINES = Access.PUBLIC, Access.SIGNED_IN, Access.MACHINES


@dataclass(frozen=True, slots=True)
class Route:
    """`asks` is the permission its asker needs somewhere (one of them, where there are several): whether he has it for
    this very object is the use case's to ask.

    `limit` is per network, on what is sent where something can be sent. An open page asks for what is
    `by_itself` again and again, with nobody there.
    """

    rule: str
    endpoint: str
    view: Callable[..., Any]
    asks: Access | Permission | frozenset[Permission]
    methods: tuple[str, ...] = GET
    limit: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    by_itself: bool = False

    def __post_init__(self) -> None:
        """Raises TypeError for a route that names neither a permission nor that it needs none."""
        asked = self.asks if isinstance(self.asks, frozenset) else {self.asks}
        if not asked or not all(isinstance(access, Access | Permission) for access in asked):
            message = f"The route {self.endpoint} names no permission."
            raise TypeError(message)

    @property
    def is_open(self) -> bool:
        """Whether strangers may ask."""
        return self.asks in (PUBLIC, MACHINES)

    @property
    def permissions(self) -> frozenset[Permission]:
        if isinstance(self.asks, Access):
            return frozenset()
        return frozenset({self.asks}) if isinstance(self.asks, Permission) else self.asks

    def refusal(self, rights: Rights) -> NotFound | Denied | None:
        """What somebody who is signed in is told instead of an answer.

        Managers' pages are not there for whoever manages nothing; everybody may know that system managers have some.
        """
        if not self.permissions or any(rights.gives(permission) for permission in self.permissions):
            return None
        if all(permission.roles <= SYSTEM_MANAGERS for permission in self.permissions):
            return Denied("system_managers_only")
        return Denied("right_missing") if rights.is_manager else NotFound("page")


def register(app: Flask, routes: Iterable[Route], tokens: CSRFProtect) -> None:
    """Raises LookupError where the application answers anything that was not declared."""
    declared = set()
    for route in routes:
        view = route.view
        if route.asks is MACHINES:
            tokens.exempt(view)
        app.add_url_rule(
            route.rule, route.endpoint, view, methods=list(route.methods), defaults=dict(route.values) or None
        )
        declared.add(route.endpoint)
    undeclared = {rule.endpoint for rule in app.url_map.iter_rules()} - declared - {"static"}
    if undeclared:
        message = f"No permission is named for {', '.join(sorted(undeclared))}."
        raise LookupError(message)
