"""Whole numbers in what somebody sent."""

from __future__ import annotations

from wtforms.fields.core import Field

from hufu_registry.kernel.errors import Invalid

# What PostgreSQL's bigint surely holds, and its integer.
MOST_DIGITS, VERSION_DIGITS = 17, 8


def number_of(text: object, *, digits: int = MOST_DIGITS) -> int | None:
    """The number that is written there in at most so many plain digits; None for anything else."""
    written = str(text or "")
    return int(written) if written.isdecimal() and written.isascii() and len(written) <= digits else None


def number_in(field: Field) -> int | None:
    return number_of(field.data)


def version_in(field: Field) -> int:
    """The version of what stood on the page when it was filled in. Raises Invalid("version_missing")."""
    version = number_of(field.data, digits=VERSION_DIGITS)
    if version is None:
        raise Invalid("version_missing")
    return version
