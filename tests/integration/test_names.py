"""Somebody is found, and seen to be the same, however his name was written then and is typed now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.store import PeopleFilter, people
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.store import search
from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.store import QueueFilter, duplicate_candidates, queue
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import sql_folded
from hufu_registry.kernel.texts import folded
from tests.kit.cases import CaseOffice
from tests.kit.clocks import SetClock

WRITTEN = ["阿貴‧Ｎａｒａｎ台", "阿貴・NARAN臺", "阿貴．naran台", "阿貴·Naran臺", "阿貴•ＮＡＲＡＮ台"]


@pytest.fixture
def office(services: SqlServices, chain: Sequence[Agency], clock: SetClock) -> CaseOffice:
    return CaseOffice(services, chain, clock)


@pytest.mark.parametrize("typed", [*WRITTEN, "貴・n", "naran臺"])
def test_every_search_takes_spellings_for_one(office: CaseOffice, typed: str) -> None:
    manager = office.manager(office.bureau)
    for name in WRITTEN:
        office.official(office.bureau, name=name)
        office.apply(office.form(name=name))
        add_unit(AddUnit(office.bureau.id, f"{name}{len(name)}{ord(name[2])}"), office.services, OPERATOR)
    with office.services.reading() as work:
        assert people(work.connection, manager, work.now, Page(), PeopleFilter(words=typed)).total == len(WRITTEN)
        assert queue(
            work.connection, manager, work.now, work.case_types, Page(), QueueFilter(words=typed)
        ).total == len(WRITTEN)
        assert search(work.connection, typed, Page(), on=taipei_date(work.now)).total == len(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN[1:])
def test_one_name_in_two_spellings_is_the_same_persons(office: CaseOffice, name: str) -> None:
    manager = office.manager(office.bureau)
    known = office.official(office.bureau, name=WRITTEN[0])
    other = office.apply(office.form(name=WRITTEN[0]))
    case = office.case(office.apply(office.form(name=name)))
    with office.services.reading() as work:
        found = duplicate_candidates(work.connection, manager, work.now, case, office.services.keys, work.case_types)
    assert {(hit.id, hit.same) for hit in found.rows} == {(known, frozenset({"name"})), (other, frozenset({"name"}))}


def test_the_database_folds_as_we_do(services: SqlServices) -> None:
    """Every character that a keyboard for Chinese or Latin makes."""
    blocks = [(0x20, 0x250), (0x370, 0x400), (0x2010, 0x2040), (0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFE30, 0xFFEF)]
    every = [chr(number) for first, last in blocks for number in range(first, last)]
    statement = sa.text(
        f"SELECT text, {sql_folded('text')} AS folded FROM unnest(CAST(:every AS text[])) AS each (text)"
    )
    with services.read() as connection:
        rows = connection.execute(statement, {"every": every}).all()
    differing = {row.text for row in rows if row.folded != folded(row.text)}
    # What Python folds to several letters, and nobody in Taiwan is called.
    assert differing == set("\u0130\u01f0\u037a\u0390\u03b0")
