"""Every list is paged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

T = TypeVar("T")
U = TypeVar("U")

DEFAULT_SIZE = 20
MAX_SIZE = 100
# A list longer than this is counted no further: nobody walks a million rows for the number above a page.
MOST_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted; `number` counts from 1."""

    number: int = 1
    size: int = DEFAULT_SIZE

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", min(max(self.number, 1), 1_000_000))
        object.__setattr__(self, "size", min(max(self.size, 1), MAX_SIZE))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


class AtLeast(int):
    """A number that was not counted to its end, as in 20000+."""

    def __str__(self) -> str:
        return f"{int(self)}+"

    def __add__(self, other: int) -> AtLeast:
        return AtLeast(int(self) + int(other))

    __radd__ = __add__


@dataclass(frozen=True, slots=True)
class Sort:
    """By which of its keys a list is wanted; a list that has no such key stays in its own order."""

    key: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """One page of a list and how long the whole list is, as far as that was counted."""

    rows: Sequence[T]
    total: int
    page: Page

    @property
    def pages(self) -> int:
        """So many as are known of; after a full page of a list that was not counted to its end there is another."""
        known = max(1, -(-self.total // self.page.size))
        goes_on = isinstance(self.total, AtLeast) and len(self.rows) == self.page.size
        return max(known, self.page.number + 1) if goes_on else known

    def map(self, change: Callable[[T], U]) -> Paged[U]:
        return Paged([change(row) for row in self.rows], self.total, self.page)


@dataclass(frozen=True, slots=True)
class Head(Generic[T]):
    """The first of a list that no page goes through, and whether there are more."""

    rows: Sequence[T]
    more: bool

    @classmethod
    def of(cls, rows: Sequence[T], most: int) -> Self:
        """Of a query for one more than are wanted."""
        return cls(rows[:most], len(rows) > most)
