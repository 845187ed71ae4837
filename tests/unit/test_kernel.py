"""Keys, pages and the calendar: what every feature stands on."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.keys import Keys, Unreadable
from hufu_registry.kernel.paging import AtLeast, Page, Paged

KEYS = Keys(data=b"d" * 32, index=b"i" * 32, audit=b"a" * 32)


def test_a_sealed_text_opens_only_as_what_it_was_sealed() -> None:
    sealed = KEYS.seal("mobile", "0912345678")
    assert "0912345678" not in sealed
    assert KEYS.open("mobile", sealed) == "0912345678"
    with pytest.raises(Unreadable):
        KEYS.open("mailbox", sealed)


def test_the_same_text_sealed_twice_looks_different_but_has_one_index() -> None:
    assert KEYS.seal("mobile", "x") != KEYS.seal("mobile", "x")
    assert KEYS.index("mobile", "x") == KEYS.index("mobile", "x")
    assert KEYS.index("mobile", "x") != KEYS.index("mailbox", "x")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(data=b"short", index=b"i" * 32, audit=b"a" * 32)


@pytest.mark.parametrize(("number", "size"), [(0, 20), (-5, 20), (1, 0), (1, 10_000), (10**12, 20)])
def test_a_page_is_kept_within_bounds_whatever_is_asked(number: int, size: int) -> None:
    page = Page(number, size)
    assert 1 <= page.number <= 1_000_000
    assert 1 <= page.size <= 100


def test_an_empty_list_has_one_page() -> None:
    assert Paged([], 0, Page()).pages == 1
    assert Paged([1], 21, Page(2, 20)).pages == 2


def test_the_day_in_taiwan_begins_at_sixteen_hours_utc_also_at_months_end() -> None:
    assert taipei_date(datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 30)
    assert taipei_date(datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == date(2026, 12, 1)


def test_errors_say_their_code_and_context_and_no_more() -> None:
    assert str(NotFound("agency", id=3)) == "agency (id=3)"
    assert str(Invalid(fields={"name": "required"})) == "name: required"


def test_what_was_not_counted_to_its_end_says_so_and_has_another_page_while_pages_are_full() -> None:
    assert f"{AtLeast(20)} {AtLeast(20) + 3} {3 + AtLeast(20)} {sum([1, AtLeast(20)])}" == "20+ 23+ 23+ 21+"
    assert Paged([1, 2], AtLeast(4), Page(2, 2)).pages == 3
    assert Paged([1], AtLeast(4), Page(2, 2)).pages == 2
    assert Paged([1, 2], 4, Page(2, 2)).pages == 2
