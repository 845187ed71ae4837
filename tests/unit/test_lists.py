"""What a list's declaration makes of an address, and what it puts on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel
from flask_babel import lazy_gettext as _l

from hufu_console.exports.spreadsheet import sheet_route
from hufu_console.web.lists import MOST_LETTERS, Asked, Column, Empty, Filter, Listing, ListPage, sort_in, sort_text
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.store import ordered


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def nobody(_asked: Asked) -> object:
    raise AssertionError


THINGS: ListPage[str] = ListPage(
    "things",
    _l("Thing"),
    columns=(
        Column("name", _l("Name"), str, sort=True),
        Column("length", _l("Length"), len, num=True),
        Column("secret", _l("Secret"), str, page=False),
    ),
    read=nobody,  # type: ignore[arg-type]
    nothing=Empty(_l("Nothing")),
    unmatched=Empty(_l("Not like that"), to={"colour": "all"}),
    words=_l("Words"),
    filters=(
        Filter("colour", _l("Colour"), str.upper, options=(*Colour, "all"), default="red", unfiltered="all"),
        Filter("place", _l("Place"), lambda value: f"at {value}" if value != "9" else "", accepts=str.isdecimal),
    ),
)


@pytest.fixture(autouse=True)
def request_context() -> Iterator[None]:
    app = Flask(__name__)
    app.add_url_rule("/things", "things", lambda: "")
    Babel(app)
    with app.test_request_context():
        yield


def listing(words: str = "", **given: str) -> Listing[str]:
    return Listing(THINGS, THINGS.asked(given, {}, words), Paged(["a"], 41, Page(2)))


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        ({}, {"colour": "red", "place": ""}),
        ({"colour": "blue", "place": "3"}, {"colour": "blue", "place": "3"}),
        ({"colour": "'; DROP", "place": "x"}, {"colour": "red", "place": ""}),
        ({"colour": "", "name": "x"}, {"colour": "red", "place": ""}),
    ],
)
def test_only_values_a_filter_knows_are_taken(given: dict[str, str], filters: dict[str, str]) -> None:
    assert THINGS.asked(given, {}, "").filters == filters


def test_no_more_is_searched_for_than_the_field_takes() -> None:
    """A draft that another form kept may hold thousands of letters."""
    assert len(THINGS.asked({}, {}, "王" * 20_000).words) == MOST_LETTERS


@pytest.mark.parametrize("text", ["", "-", "secret", "length", "-length", "name;", "--name"])
def test_only_declared_keys_sort(text: str) -> None:
    assert sort_in(text, THINGS.sort_keys) is None


@pytest.mark.parametrize("text", ["name", "-name"])
def test_an_order_stands_in_the_address_as_it_was_read(text: str) -> None:
    assert sort_text(sort_in(text, THINGS.sort_keys)) == text


def test_sql_orders_by_known_keys_alone_and_then_as_usual() -> None:
    name, number = sa.column("name", sa.String), sa.column("id", sa.Integer)
    assert ordered(None, {"name": name}, (number,)) == (number,)
    assert ordered(Sort("password"), {"name": name}, (number,)) == (number,)
    assert str(ordered(Sort("name", descending=True), {"name": name}, (number,))[0]) == "name DESC NULLS LAST"
    assert ordered(Sort("name"), {"name": name}, (number,))[1:] == (number,)


def test_the_address_says_only_what_is_not_usual() -> None:
    assert listing().url() == "/things"
    assert listing(colour="blue", sort="-name").url() == "/things?colour=blue&sort=-name"
    assert listing(colour="blue").page_url(1) == "/things?colour=blue"
    assert listing(colour="blue").page_url(3) == "/things?colour=blue&page=3"


def test_each_filter_has_a_chip_that_takes_off_itself_alone() -> None:
    assert listing().chips == []
    assert listing(colour="all").chips == []
    assert listing("wang", colour="blue", place="3").chips == [
        ("Text: wang", "/things?colour=blue&place=3"),
        ("BLUE", "/things?colour=all&place=3"),
        ("at 3", "/things?colour=blue"),
    ]
    assert listing(place="9").chips == []


def test_a_head_sorts_up_then_down_then_as_the_list_is_by_itself() -> None:
    heads = [listing(**given).heads[0] for given in ({}, {"sort": "name"}, {"sort": "-name"})]
    assert [head["sorted"] for head in heads] == ["none", "ascending", "descending"]
    assert [head["sort"] for head in heads] == ["/things?sort=name", "/things?sort=-name", "/things"]
    assert "sort" not in listing().heads[1]


def test_page_and_sheet_have_each_their_columns() -> None:
    assert [column.key for column in THINGS.page_columns] == ["name", "length"]
    assert [column.key for column in THINGS.sheet_columns] == ["name", "length", "secret"]


def test_an_empty_list_says_whether_filters_made_it_so() -> None:
    assert listing().empty is THINGS.nothing
    assert listing("wang").empty is THINGS.unmatched
    assert listing(colour="blue").empty is THINGS.unmatched
    assert listing(colour="blue", place="3").empty_url == "/things?colour=all"
    assert listing(colour="blue", place="3").clear_url == "/things"


def test_a_form_carries_what_it_has_no_field_for() -> None:
    assert listing(colour="blue", place="3", sort="name").carried == {"place": "3", "sort": "name"}
    assert [one.name for one in listing().fields] == ["colour"]


def test_a_choice_is_one_of_its_kind_or_everything() -> None:
    assert listing().asked.choice("colour", Colour) is Colour.RED
    assert listing(colour="all").asked.choice("colour", Colour) is None


def test_a_spreadsheet_asks_whoever_takes_it_for_what_its_list_names() -> None:
    permission = Permission("see_things", frozenset())
    route = sheet_route("/things.xlsx", replace(THINGS, sheet="things_xlsx", permission=permission))
    assert (route.endpoint, route.permissions) == ("things_xlsx", frozenset({permission}))
    with pytest.raises(TypeError, match="names no permission"):
        sheet_route("/things.xlsx", replace(THINGS, sheet="things_xlsx"))
