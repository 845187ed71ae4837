"""A list is declared once, as a `ListPage`: its columns and filters feed page, address, order and spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from html import unescape
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import g, get_template_attribute, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from hufu_console.web import context, drafts
from hufu_console.web.paging import Read, asked_page, read_page
from hufu_console.web.viewer import viewer
from hufu_registry.kernel.paging import Paged, Sort
from hufu_registry.kernel.permissions import Permission
from hufu_registry.sessions.model import SavedFilter

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Cell = str | int | datetime | None

MOST_LETTERS = 200
# Years that can be said as people in Taiwan count them; nothing of ours is older, or so far away.
FIRST_DAY, LAST_DAY = date(1912, 1, 1), date(2200, 12, 31)


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """`value` is what a spreadsheet says of a row, and the page too unless the list's cells have a macro named `key`.

    `sort` says that the list's query knows an order of that key.
    """

    key: str
    title: LazyString
    value: Callable[[T], Cell]
    sort: bool = False
    num: bool = False
    page: bool = True
    sheet: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """One value out of `options`, in the address; a `day` as 2026-11-21; else what it `accepts`, be it picked from what
    `picked_at` answers as one types, or set by links of the page alone.

    `default` is what an address means that says nothing, `unfiltered` leaves nothing out. `word` names a value; where
    it names none, nobody is told of the filter.
    """

    name: str
    label: LazyString
    word: Callable[[str], str]
    options: Sequence[str] = ()
    default: str = ""
    unfiltered: str = ""
    everything: LazyString = field(default_factory=lambda: _l("All"))
    accepts: Callable[[str], bool] = lambda _value: False
    day: bool = False
    picked_at: str = ""

    def read(self, text: str | None) -> str:
        if text is None:
            return self.default
        return text if text in self.options or self.accepts(text) or (self.day and is_day(text)) else self.default

    def say(self, value: str) -> str:
        return str(self.everything) if value == self.unfiltered else self.word(value)


@dataclass(frozen=True, slots=True)
class Empty:
    """Why a list shows nothing, and what to do: a sentence, and a link to the list with other filters."""

    why: LazyString
    help: LazyString | None = None
    link: LazyString | None = None
    to: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bulk(Generic[T]):
    """What can be done with ticked rows: `pick` is what a tick sends, `name` what it is called."""

    endpoint: str
    button: LazyString
    what: LazyString
    pick: Callable[[T], str]
    name: Callable[[T], str]
    why_not: LazyString | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of a list: valid values of its filters, words about people, an order, and the address's own
    arguments as text.
    """

    filters: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    sort: Sort | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    draft: UUID | None = None

    def day(self, name: str) -> date | None:
        """The filter's day, or None where none is set."""
        return day_of(self.filters.get(name, ""))

    def choice(self, name: str, kind: type[E]) -> E | None:
        """The filter's value, or None where it leaves nothing out."""
        value = self.filters.get(name, "")
        return kind(value) if value in set(kind) else None


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """`count` says in words how many rows there are. `words` is the label of the search for people; what is typed
    there is posted to the endpoint `search`, and kept out of the address. Where it is about nobody, `as_typed` is the
    endpoint that answers the nearest rows as one types.

    `help` are the page and the section of the help about it. `path` and the one main `act` are words with endpoints;
    `intro` and `cells` are templates: what stands above the list, and a macro for each column that shows more than its
    value.

    `sheet` is the endpoint of its spreadsheet, called as `sheet_title` says, else by the title; that somebody took it
    is recorded as `recorded`, and it takes `permission` somewhere (`sheet_route`). A
    `technical` list says its times as records do.
    """

    endpoint: str
    title: LazyString
    columns: Sequence[Column[T]]
    read: Callable[[Asked], Read[T]]
    nothing: Empty
    unmatched: Empty | None = None
    count: Callable[[int], str] = str
    filters: Sequence[Filter] = ()
    words: LazyString | None = None
    search: str = ""
    as_typed: str = ""
    bulk: Bulk[T] | None = None
    cells: str = "components/no_cells.html"
    lead: LazyString | None = None
    path: Sequence[tuple[LazyString, str]] = ()
    act: tuple[LazyString, str] | None = None
    help: tuple[str, str] | None = None
    intro: str = ""
    sheet: str = ""
    recorded: str = ""
    sheet_title: Callable[[Asked], str] | None = None
    permission: Permission | None = None
    technical: bool = False

    @property
    def sort_keys(self) -> frozenset[str]:
        return frozenset(column.key for column in self.columns if column.sort)

    @property
    def page_columns(self) -> Sequence[Column[T]]:
        return [column for column in self.columns if column.page]

    @property
    def sheet_columns(self) -> Sequence[Column[T]]:
        return [column for column in self.columns if column.sheet]

    def name_of(self, asked: Asked) -> str:
        return self.sheet_title(asked) if self.sheet_title else str(self.title)

    def recorded_as(self, asked: Asked) -> str:
        """What a record says was taken: the list, and the object it is of."""
        return " ".join((self.recorded, *asked.args.values()))

    def asked(self, given: Mapping[str, str], args: Mapping[str, Any], words: str, draft: UUID | None = None) -> Asked:
        """What these texts of an address mean to this list; what it does not know is left out."""
        return Asked(
            filters={filter_.name: filter_.read(given.get(filter_.name)) for filter_ in self.filters},
            # A draft of another form may hold more.
            words=words[:MOST_LETTERS] if self.words is not None else "",
            sort=sort_in(given.get("sort", ""), self.sort_keys),
            args={name: str(value) for name, value in args.items()},
            draft=draft,
        )

    def query(self, asked: Asked) -> dict[str, Any]:
        """The part of the address that says so, to be read again by `asked`."""
        values = {filter_: asked.filters.get(filter_.name, filter_.default) for filter_ in self.filters}
        filters = {filter_.name: value for filter_, value in values.items() if value != filter_.default}
        return {**filters, "sort": sort_text(asked.sort), "draft": asked.draft}

    def url(self, asked: Asked) -> str:
        return url_at(self, self.endpoint, asked.args, self.query(asked))

    def as_saved(self, saved: SavedFilter) -> Asked:
        return self.asked(saved.query, {}, saved.words, saved.id if saved.words else None)


def url_at(of: ListPage[Any], endpoint: str, args: Mapping[str, Any], query: Mapping[str, Any]) -> str:
    """The page with that list; where its address alone would bring the viewer's first filter, it says a page."""
    said = {name: value for name, value in query.items() if value is not None}
    if not said and first_filter(of) is not None:
        said = {"page": 1}
    return url_for(endpoint, **args, **said)


def saved_filters(of: ListPage[Any]) -> Sequence[SavedFilter]:
    """The viewer's, read once a request; none of a list that cannot be narrowed, or is of one thing."""
    who = g.get("viewer")
    if who is None or not (of.filters or of.words is not None) or request.view_args:
        return ()
    read: dict[str, Sequence[SavedFilter]] = g.setdefault("saved_filters", {})
    if of.endpoint not in read:
        with context.reading() as work:
            read[of.endpoint] = work.saved_filters.of(who.account_id, of.endpoint)
    return read[of.endpoint]


def first_filter(of: ListPage[Any]) -> SavedFilter | None:
    return next((saved for saved in saved_filters(of) if saved.is_first), None)


def day_of(text: str) -> date | None:
    """A day filter's value as a day; None where it is not set."""
    return date.fromisoformat(text) if text else None


def is_day(text: str) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return day.isoformat() == text and FIRST_DAY <= day <= LAST_DAY


def sort_in(text: str, keys: frozenset[str]) -> Sort | None:
    """`name`, or `-name` for descending; None for what is no key."""
    key = text.removeprefix("-")
    return Sort(key, text.startswith("-")) if key in keys else None


def sort_text(sort: Sort | None) -> str | None:
    return None if sort is None else f"-{sort.key}" if sort.descending else sort.key


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a list, as it was asked for: what components/list.html draws.

    `at` are endpoint and arguments of the page it stands on, where that is not its own.
    """

    definition: ListPage[T]
    asked: Asked
    paged: Paged[T]
    at: tuple[str, Mapping[str, Any]] | None = None

    def _url(self, query: Mapping[str, Any]) -> str:
        endpoint, args = self.at or (self.definition.endpoint, self.asked.args)
        return url_at(self.definition, endpoint, args, query)

    @property
    def saved(self) -> list[tuple[SavedFilter, str, bool]]:
        """The viewer's own ways to see the list, each with its address, and whether it is seen so now."""
        asked = [(saved, self.definition.as_saved(saved)) for saved in saved_filters(self.definition)]
        return [(saved, self._url(self.definition.query(as_)), self._is(as_)) for saved, as_ in asked]

    def _is(self, other: Asked) -> bool:
        return replace(self.asked, draft=None, args={}) == replace(other, draft=None)

    @property
    def may_be_saved(self) -> bool:
        """Whether there is something to be seen again that has no name yet."""
        is_something = self.narrowed or self.asked.sort is not None
        return is_something and self.at is None and not any(now for _saved, _url, now in self.saved)

    def url(self, **changes: Any) -> str:
        """The same list with other filters; its first page."""
        return self._url(self.definition.query(self.asked) | changes)

    def page_url(self, number: int) -> str:
        return self.url(page=number if number > 1 else None)

    @property
    def path(self) -> list[tuple[LazyString, str | None]]:
        """Where the page stands; empty for one that stands in the header."""
        above: list[tuple[LazyString, str | None]] = [
            (word, url_for(endpoint)) for word, endpoint in self.definition.path
        ]
        return [*above, (self.definition.title, None)] if above else []

    @property
    def now(self) -> datetime:
        return context.now()

    @property
    def heads(self) -> list[dict[str, Any]]:
        """The table's columns, with the addresses that sort by them."""
        picks: list[dict[str, Any]] = [{"pick": True}] if self.definition.bulk else []
        return picks + [self._head(column) for column in self.definition.page_columns]

    def _head(self, column: Column[T]) -> dict[str, Any]:
        head: dict[str, Any] = {"label": column.title} | ({"num": True} if column.num else {})
        if not column.sort:
            return head
        sort = self.asked.sort if self.asked.sort and self.asked.sort.key == column.key else None
        order = "none" if sort is None else "descending" if sort.descending else "ascending"
        # Up, down, and then as the list is by itself.
        after = {"none": column.key, "ascending": f"-{column.key}", "descending": None}[order]
        return head | {"sort": self.url(sort=after), "sorted": order}

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What the list is narrowed to, in words, each with the address that takes it off."""
        on = [(_("Text: %(words)s", words=self.asked.words), self.url(draft=None))] if self.asked.words else []
        for filter_ in self.definition.filters:
            value = self.asked.filters[filter_.name]
            if value not in (filter_.default, filter_.unfiltered) and (word := filter_.say(value)):
                on.append((word, self.url(**{filter_.name: filter_.unfiltered or None})))
        return on

    @property
    def narrowed(self) -> bool:
        return bool(self.asked.words) or any(
            self.asked.filters[filter_.name] != filter_.default for filter_ in self.definition.filters
        )

    @property
    def empty(self) -> Empty:
        return (self.definition.unmatched if self.narrowed else None) or self.definition.nothing

    @property
    def hidden(self) -> dict[str, Any]:
        """What a form on the page carries along so that its answer leads back here."""
        return {name: value for name, value in self.definition.query(self.asked).items() if value is not None}

    @property
    def fields(self) -> list[Filter]:
        return [one for one in self.definition.filters if one.options or one.day or one.picked_at]

    @property
    def carried(self) -> dict[str, Any]:
        """What the filter form carries along: whatever has no field there, or one that is empty until something else is
        picked.
        """
        shown = {field.name for field in self.fields if not field.picked_at} | {"draft"}
        return {name: value for name, value in self.hidden.items() if name not in shown}

    @property
    def clear_url(self) -> str:
        return self._url({})

    @property
    def empty_url(self) -> str:
        return self._url(self.empty.to)

    @property
    def sheet_url(self) -> str:
        """Empty where it has none for the viewer."""
        permission = self.definition.permission
        if not self.definition.sheet or permission is None or not viewer().rights.gives(permission):
            return ""
        return url_for(self.definition.sheet, **{**self.asked.args, **self.definition.query(self.asked)})


def keep_words(page: str) -> tuple[str, UUID | None]:
    """What was posted to be searched for on the page, and the key under which it is kept: it is about people."""
    words = request.form.get("words", "").strip()[:MOST_LETTERS]
    return words, drafts.keep(page, {"words": words}) if words else None


def kept_words() -> str:
    """What the address's key was given for: a search, or a filter of the viewer's that searches."""
    key = drafts.draft_key()
    if key is None:
        return ""
    if (kept := drafts.kept()) is not None:
        return kept.get("words", "")
    with context.reading() as work:
        saved = work.saved_filters.find(key, viewer().account_id)
    return "" if saved is None else saved.words


def asked_now(of: ListPage[T], args: Mapping[str, Any]) -> Asked:
    """What this request's address, or the form it sent, wants of the list; an address that says nothing of it wants the
    viewer's first filter.
    """
    told = {filter_.name for filter_ in of.filters} | {"sort", "page", drafts.KEY}
    if request.method == "GET" and not told & request.args.keys() and (first := first_filter(of)) is not None:
        return of.as_saved(first)
    words = kept_words() if of.words is not None else ""
    return of.asked(request.values, args, words, drafts.draft_key() if words else None)


def listing_of(of: ListPage[T], *, at: tuple[str, Mapping[str, Any]] | None = None, **args: Any) -> Listing[T]:
    asked = asked_now(of, args)
    return Listing(of, asked, read_page(of.read(asked), asked_page()), at)


def page(of: ListPage[T]) -> Callable[..., str]:
    """The view of a page that is a list."""

    def view(**args: Any) -> str:
        return render_template("components/list_page.html", listing=listing_of(of, **args))

    return view


def search(of: ListPage[T]) -> Callable[..., ResponseReturnValue]:
    """The view that its filters are posted to: what is searched for is about people, so it is kept."""

    def view(**args: Any) -> ResponseReturnValue:
        words, draft = keep_words(url_for(of.endpoint, **args))
        return redirect(of.url(of.asked(request.form, args, words, draft)), 303)

    return view


def back_to(of: ListPage[T]) -> ResponseReturnValue:
    """To the list as it was when the form on it was sent."""
    return redirect(of.url(asked_now(of, {})), 303)


def words(template: str, macro: str, *values: object) -> str:
    """What a macro of the pages says, as plain text."""
    return unescape(str(get_template_attribute(template, macro)(*values))).strip()
