"""The numbers an agency may want otherwise: each feature declares its own, with bounds, in a part of the policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from hufu_registry.kernel.errors import Invalid

T = TypeVar("T")
DECLARED = "setting"
# Seconds, by the letter behind the number.
UNITS: Mapping[str, int] = MappingProxyType({"d": 86_400, "h": 3_600, "m": 60, "s": 1})


@dataclass(frozen=True)
class Policy:
    """What holds for a process from its start. Each feature's part adds its settings, which may change while it runs.

    `with_directory` is false where Keycloak keeps local users.
    """

    with_directory: bool = True


def anything(_value: Any) -> None:
    """For settings of which type and bounds say all."""


def setting(
    default: T,
    *,
    minimum: T | None = None,
    maximum: T | None = None,
    per_agency: bool = False,
    check: Callable[[T], None] = anything,
    at_least: str = "",
) -> T:
    """A setting of a feature's part: a number, a duration, words or a text, the latter two without bounds.

    `per_agency`: an agency's own value counts for it and for what is under it. `check` raises Invalid(value=…) for what
    the type does not forbid. `at_least` is the key of another setting, below which this one may never be.
    """
    if at_least and per_agency:
        raise TypeError("what is compared is everybody's")
    return field(default=default, metadata={DECLARED: (minimum, maximum, per_agency, check, at_least)})


@dataclass(frozen=True, slots=True)
class Setting:
    """One declaration. Its type is its default's; `text` is how it is stored, typed and shown."""

    key: str
    default: Any
    minimum: Any
    maximum: Any
    per_agency: bool
    check: Callable[[Any], None] = anything
    at_least: str = ""

    def read(self, text: str) -> Any:
        """The value that `text` says. Raises Invalid(value="setting_shape", "setting_bounds" or what `check` says)."""
        value = self.parse(text)
        if (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            raise Invalid(fields={"value": "setting_bounds"}, minimum=self.lowest, maximum=self.highest)
        self.check(value)
        return value

    def parse(self, text: str) -> Any:
        """The same whatever bounds and check: what was stored stays readable when a release draws them closer."""
        text = text.strip()
        if isinstance(self.default, str):
            return text.replace("\r\n", "\n")
        if isinstance(self.default, tuple):
            return tuple(dict.fromkeys(text.lower().split()))
        if isinstance(self.default, timedelta):
            if match := re.fullmatch(r"(\d{1,9})([dhms])", text, re.ASCII):
                return timedelta(seconds=int(match[1]) * UNITS[match[2]])
        elif re.fullmatch(r"\d{1,9}", text, re.ASCII):
            return int(text)
        raise Invalid(fields={"value": "setting_shape"})

    @property
    def lowest(self) -> str:
        return "" if self.minimum is None else text_of(self.minimum)

    @property
    def highest(self) -> str:
        return "" if self.maximum is None else text_of(self.maximum)


def text_of(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        letter = next(letter for letter, each in UNITS.items() if seconds % each == 0)
        return f"{seconds // UNITS[letter]}{letter}"
    return str(value)


def declared_in(part: type[Policy]) -> tuple[Setting, ...]:
    """The settings that this part declares itself, in its order."""
    return tuple(
        _setting(declared)
        for declared in fields(part)
        if DECLARED in declared.metadata and declared.name in part.__annotations__
    )


P = TypeVar("P", bound=Policy)


def changed(policy: P, settings: Iterable[Setting], values: Mapping[str, str]) -> P:
    """The policy with these values instead of its own."""
    return replace(
        policy, **{setting.key: setting.parse(values[setting.key]) for setting in settings if setting.key in values}
    )


def compared_with(key: str, settings: Collection[Setting]) -> set[str]:
    """The setting itself, and those that it may not fall below or rise above."""
    return {key} | {
        other
        for setting in settings
        if setting.at_least and key in (setting.key, setting.at_least)
        for other in (setting.key, setting.at_least)
    }


def check_together(policy: Policy, settings: Iterable[Setting]) -> None:
    """Raises Invalid(value="setting_less_than") for one that is less than another that it may not be below."""
    for setting in settings:
        if setting.at_least and getattr(policy, setting.key) < getattr(policy, setting.at_least):
            raise Invalid(fields={"value": "setting_less_than"}, less=setting.key, more=setting.at_least)


def _setting(declared: Field[Any]) -> Setting:
    return Setting(declared.name, declared.default, *declared.metadata[DECLARED])
