"""Codes that prove a mailbox: whose they are, how often, and against whom a wrong one counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import Actor, applicant_actor
from hufu_registry.kernel.errors import Invalid, RateLimited
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, request_code
from tests.kit.accounts import LANGUAGE
from tests.kit.cases import APPLICANT, CaseOffice
from tests.kit.clocks import SetClock


@pytest.fixture
def office(services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> CaseOffice:
    return CaseOffice(services, chain, clock)


def test_a_code_of_another_browser_or_purpose_proves_nothing(office: CaseOffice) -> None:
    request_code(RequestCode("mine", Purpose.APPLY, "p@example.org", LANGUAGE), office.services, APPLICANT)
    code = office.last_code()
    for browser, purpose in (("foreign", Purpose.APPLY), ("mine", Purpose.FOLLOW)):
        with pytest.raises(Invalid):
            enter_code(EnterCode(browser, purpose, code), office.services, APPLICANT)
    enter_code(EnterCode("mine", Purpose.APPLY, code), office.services, APPLICANT)
    with pytest.raises(Invalid) as used:
        enter_code(EnterCode("mine", Purpose.APPLY, code), office.services, APPLICANT)
    assert used.value.fields == {"code": "code_expired"}


def wrong_code(office: CaseOffice) -> str:
    return "111111" if office.last_code() != "111111" else "222222"


def test_a_stranger_who_tries_locks_himself_out_and_not_the_owner(office: CaseOffice) -> None:
    ask = RequestCode("stranger", Purpose.APPLY, "p@example.org", LANGUAGE)
    for _ in range(4):
        request_code(ask, office.services, APPLICANT)
        for _ in range(5):
            with pytest.raises(Invalid):
                enter_code(EnterCode("stranger", Purpose.APPLY, wrong_code(office)), office.services, APPLICANT)
        office.clock.advance(seconds=61)
    with pytest.raises(RateLimited, match="codes_used_up"):
        request_code(ask, office.services, APPLICANT)
    request_code(replace(ask, browser="owner"), office.services, APPLICANT)
    enter_code(EnterCode("owner", Purpose.APPLY, office.last_code()), office.services, APPLICANT)


def test_what_is_no_code_counts_as_no_try(office: CaseOffice) -> None:
    request_code(RequestCode("mine", Purpose.APPLY, "p@example.org", LANGUAGE), office.services, APPLICANT)
    for typed in ("", "12345", "abcdef", "1234567"):
        for _ in range(5):
            with pytest.raises(Invalid) as shape:
                enter_code(EnterCode("mine", Purpose.APPLY, typed), office.services, APPLICANT)
            assert shape.value.fields == {"code": "code_shape"}
    enter_code(EnterCode("mine", Purpose.APPLY, office.last_code()), office.services, APPLICANT)


def test_a_network_is_limited_by_the_mailboxes_that_it_does_not_prove(office: CaseOffice) -> None:
    services = replace(
        office.services, policy=replace(office.services.policy, unproved_mailboxes_per_network_per_hour=5)
    )
    here, first = applicant_actor("192.0.2.1"), office.clock.now()

    def ask(number: int, actor: Actor = here, browser: str = "") -> None:
        wish = RequestCode(browser or f"b{number}", Purpose.APPLY, f"p{number}@example.org", LANGUAGE)
        request_code(wish, services, actor)

    for number in range(5):
        ask(number)
        enter_code(EnterCode(f"b{number}", Purpose.APPLY, office.last_code()), services, here)
    for number in range(5, 10):
        ask(number)
    with pytest.raises(RateLimited, match="network_used_up") as told:
        ask(10)
    assert told.value.context["at"] == first + timedelta(hours=1)
    office.clock.advance(seconds=61)
    ask(5)
    ask(11, applicant_actor("192.0.2.2"))
    office.clock.advance(hours=1)
    ask(10)


def test_codes_are_limited_per_minute_per_day_and_per_try(office: CaseOffice) -> None:
    ask = RequestCode("mine", Purpose.APPLY, "p@example.org", LANGUAGE)
    first = office.clock.now()
    request_code(ask, office.services, APPLICANT)
    with pytest.raises(RateLimited) as soon:
        request_code(replace(ask, browser="other"), office.services, APPLICANT)
    assert 0 < int(str(soon.value.context["seconds"])) <= 60
    for left in (4, 3, 2, 1):
        with pytest.raises(Invalid) as wrong:
            enter_code(EnterCode("mine", Purpose.APPLY, wrong_code(office)), office.services, APPLICANT)
        assert wrong.value.context["tries_left"] == left
    with pytest.raises(Invalid) as last:
        enter_code(EnterCode("mine", Purpose.APPLY, wrong_code(office)), office.services, APPLICANT)
    assert last.value.fields == {"code": "code_used_up"}
    for _ in range(9):
        office.clock.advance(seconds=61)
        request_code(ask, office.services, APPLICANT)
    office.clock.advance(seconds=61)
    with pytest.raises(RateLimited, match="codes_used_up") as used_up:
        request_code(ask, office.services, APPLICANT)
    assert used_up.value.context["at"] == first + timedelta(days=1)
    office.clock.advance(hours=25)
    request_code(ask, office.services, APPLICANT)


def test_neither_code_nor_mailbox_stand_readable_in_the_database(office: CaseOffice) -> None:
    office.prove("mine", "very.secret@example.org")
    code = office.last_code()
    with office.services.read() as connection:
        for table in ("mailbox_codes", "notices", "audit_records", "outbox"):
            dump = str(connection.execute(sa.text(f"SELECT * FROM {table}")).all())
            assert "very.secret" not in dump
            assert f"'{code}'" not in dump
