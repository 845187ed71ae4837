"""The pages that every page leads to, whosoever they are: a feature declares which of its addresses it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

from flask import Flask, current_app, url_for

EXTENSION = "hufu_doors"


class Door(StrEnum):
    """HEALTH is what the machines around us ask all the time."""

    FIRST_PAGE = "first_page"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    TIME_LEFT = "time_left"
    EXTEND = "extend"
    THEME = "theme"
    SEARCH = "search"
    WORK_AT = "work_at"
    SAVE_FILTER = "save_filter"
    PUT_FILTER_FIRST = "put_filter_first"
    DELETE_FILTER = "delete_filter"
    HELP = "help"
    BELL = "bell"
    HEALTH = "health"


def endpoint_of(door: Door) -> str:
    return cast("Mapping[Door, str]", current_app.extensions[EXTENSION])[door]


def door_url(door: Door, **values: Any) -> str:
    return url_for(endpoint_of(door), **values)


def set_up(app: Flask, doors: Mapping[Door, str]) -> None:
    """Raises LookupError where one leads nowhere."""
    missing = set(Door) - set(doors)
    if missing:
        message = f"No feature declares {', '.join(sorted(missing))}."
        raise LookupError(message)
    app.extensions[EXTENSION] = doors
    app.jinja_env.globals.update(door_url=door_url)
