"""What can go wrong in a rule, named for what the person at the other end can do about it.

Each error carries a `code` (stable, for tests and translations) and `context` (values for the sentence,
never personal data). The console and the command turn codes into sentences.
"""

from __future__ import annotations

from collections.abc import Mapping


class HufuError(Exception):
    """A rule said no. `code` names the rule; `context` holds what the sentence needs."""

    def __init__(self, code: str, **context: object) -> None:
        super().__init__(code)
        self.code = code
        self.context: Mapping[str, object] = context

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value}" for key, value in self.context.items())
        return f"{self.code} ({details})" if details else self.code


class NotFound(HufuError):  # noqa: N818 - the field's words, not Python's suffix
    """There is no such thing, or it is not the asker's to see: nobody can tell which."""


class Denied(HufuError):  # noqa: N818
    """The asker may see it, but may not do this to it."""


class IllegalMove(HufuError):  # noqa: N818
    """The thing's state does not allow this (any more)."""


class Conflict(HufuError):  # noqa: N818
    """Somebody else was first: a newer version, a taken name."""


class RateLimited(HufuError):  # noqa: N818
    """Too often. `context["seconds"]` says how long to wait, where known."""


class Invalid(HufuError):  # noqa: N818
    """Input that breaks rules: `fields` maps a field's name to the code of its rule."""

    def __init__(self, code: str = "invalid", *, fields: Mapping[str, str] | None = None, **context: object) -> None:
        super().__init__(code, **context)
        self.fields: Mapping[str, str] = fields or {}

    def __str__(self) -> str:
        return ", ".join(f"{field}: {code}" for field, code in self.fields.items()) or super().__str__()
