"""Ids in addresses: a view gets the registry's own id, and an address that holds none is not there."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter

from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, Target


class AgencyConverter(BaseConverter):
    """A whole number that PostgreSQL's bigint holds, in plain digits."""

    regex = "[0-9]{1,15}"

    def to_python(self, value: str) -> AgencyId:
        return AgencyId(int(value))


class TargetConverter(BaseConverter):
    regex = "|".join(Target)

    def to_python(self, value: str) -> Target:
        return Target(value)


class KindConverter(BaseConverter):
    regex = "|".join(Kind)

    def to_python(self, value: str) -> Kind:
        return Kind(value)


class ObjectConverter(BaseConverter):
    """The id of an object of any kind, as the outbox names it, and the name of one of its fields.

    No control characters: PostgreSQL keeps no NUL.
    """

    regex = r"[^/\x00-\x1f\x7f]{1,100}"


# Ids of accounts, cases and whatever else is a UUID are Flask's `<uuid:account_id>`.
CONVERTERS: dict[str, type[BaseConverter]] = {
    "agency": AgencyConverter,
    "target": TargetConverter,
    "kind": KindConverter,
    "object": ObjectConverter,
}


def set_up(app: Flask) -> None:
    app.url_map.converters.update(CONVERTERS)
