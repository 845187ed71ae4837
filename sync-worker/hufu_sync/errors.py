"""What a target's failure means for the worker. Vendors' errors are translated into these once, in the adapter.

`code` is stable and has a sentence in the console; `detail` is technical, for the log, and never personal; `fields` are
those whose values are not taken, by their names in the schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from hufu_registry.sync.model import Code, ErrorClass


class TargetError(Exception):
    error_class: ClassVar[ErrorClass]

    def __init__(self, code: Code, detail: str = "", *, fields: Sequence[str] = ()) -> None:
        super().__init__(f"{code.value} {detail}".strip())
        self.code = code
        self.detail = detail
        self.fields = tuple(fields)


class Transient(TargetError):  # noqa: N818 - a kind of answer, not a Python suffix
    """It may work later: tried again for as long as it takes."""

    error_class = ErrorClass.TRANSIENT


class Limited(Transient):
    """Too much was taken away within an hour: this row goes on at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(Code.DESTRUCTIVE_LIMIT)
        self.until = until


class Unreachable(Transient):
    """The target itself does not answer, so nothing else needs to be tried before it does."""


class Interrupted(Transient):
    """The target broke off in the middle: what was asked for may have happened all the same."""


class Gone(TargetError):  # noqa: N818 - a kind of answer, not a Python suffix
    """Our object is missing though we know its id. Parked."""

    error_class = ErrorClass.GONE


class Conflict(TargetError):  # noqa: N818 - a kind of answer, not a Python suffix
    """Somebody else's object stands where ours should be. Parked; it is never overwritten."""

    error_class = ErrorClass.CONFLICT


class Refused(TargetError):  # noqa: N818 - a kind of answer, not a Python suffix
    """The target says no to this one, and will say so again. Parked."""

    error_class = ErrorClass.REFUSED


class NoRightsError(Refused):
    """Nor may we touch it. Whether that is so of this one or of all, the lane asks our own probe."""


class Misconfigured(TargetError):  # noqa: N818 - a kind of answer, not a Python suffix
    """Nothing can work: wrong password, certificate, missing rights. The whole target pauses."""

    error_class = ErrorClass.MISCONFIGURED
