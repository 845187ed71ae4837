"""Whole numbers in what somebody sent."""

from __future__ import annotations

from wtforms.fields.core import Field

# What PostgreSQL's bigint surely holds, and its integer.
MOST_DIGITS, VERSION_DIGITS = 17, 8


def number_of(text: object, *, digits: int = MOST_DIGITS) -> int | None:
    """The number that is written there in at most so many plain digits; None for anything else."""
    written = str(text or "")
    return int(written) if written.isdecimal() and written.isascii() and len(written) <= digits else None


def number_in(field: Field) -> int | None:
    return number_of(field.data)


def version_in(field: Field) -> int:
    """The version of what stood on the page when it was filled in; 0, which nothing has, where there is none."""
    return number_of(field.data, digits=VERSION_DIGITS) or 0
