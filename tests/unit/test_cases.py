"""The rules of review cases, without a database."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.accounts.model import RESERVED_NAMES, Profile
from hufu_registry.agencies.model import Path
from hufu_registry.cases.engine.model import MOVES, Case, CaseMove, CaseState, may
from hufu_registry.cases.permissions import SEE_CASES
from hufu_registry.cases.types.activation import Application
from hufu_registry.features import FEATURES
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.permissions import Role
from hufu_registry.rights.model import Grant, Rights
from tests.kit.accounts import an_application

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
MANAGER = AccountId(UUID(int=7))


def make_case(state: CaseState = CaseState.PENDING, path: str = "1.2.3") -> Case:
    return Case(
        id=CaseId(UUID(int=1)),
        number=1001,
        type="activation",
        state=state,
        form=an_application(),
        agency_id=Path(path).ids[-1],
        agency_path=Path(path),
        mailbox="wang@example.org",
        language="zh_Hant_TW",
        consent_version="2026-11",
        created_at=NOW,
        updated_at=NOW,
    )


def make_rights(agency: str | None, *, with_subordinates: bool = False, role: Role = Role.AGENCY_MANAGER) -> Rights:
    path = None if agency is None else Path(agency)
    grant = Grant(
        id=UUID(int=9),
        account_id=MANAGER,
        role=role,
        agency_id=None if path is None else path.ids[-1],
        agency_path=path,
        with_subordinates=with_subordinates,
        valid_from=NOW,
    )
    return Rights(MANAGER, (grant,))


@pytest.mark.parametrize(("state", "move"), list(product(CaseState, CaseMove)))
def test_every_pair_of_state_and_move_is_either_in_the_table_or_refused(state: CaseState, move: CaseMove) -> None:
    case = make_case(state)
    if (state, move) in MOVES:
        assert case.after(move) is MOVES[state, move]
        assert move in case.moves()
    else:
        with pytest.raises(IllegalMove) as refusal:
            case.after(move)
        assert refusal.value.context["state"] == state.value
        assert move not in case.moves()


def test_a_decided_case_has_no_moves_left() -> None:
    for state in (CaseState.APPROVED, CaseState.REJECTED, CaseState.WITHDRAWN):
        assert make_case(state).moves() == frozenset()


@pytest.mark.requirement("S2-08")
@pytest.mark.parametrize("name", ["abcd", "a" * 16, "1abcde", "王小明明明", "ab cde", "ab-cde", "a.bcde", "abcde\n"])
def test_an_account_name_is_five_to_fifteen_letters_and_digits_with_a_letter_first(name: str) -> None:
    assert an_application(account_name=name).faults()["account_name"] == "account_name_shape"


@pytest.mark.requirement("S2-08")
@given(st.from_regex(r"[A-Za-z][A-Za-z0-9]{4,14}", fullmatch=True))
def test_every_name_of_that_shape_that_is_not_reserved_is_accepted(name: str) -> None:
    fault = an_application(account_name=name).faults().get("account_name")
    assert fault == ("account_name_reserved" if name.lower() in RESERVED_NAMES else None)


@pytest.mark.parametrize("name", ["administrator", "Administrator", "KRBTGT", "guest"])
def test_names_that_mean_something_to_a_directory_are_reserved_in_any_case(name: str) -> None:
    expected = "account_name_shape" if len(name) > 15 else "account_name_reserved"
    assert an_application(account_name=name).faults()["account_name"] == expected


def test_names_as_long_as_the_directory_holds_and_of_plane_two_are_names() -> None:
    assert an_application(name="𠮷" * 32).cleaned().faults() == {}
    assert an_application(name="𠮷" * 33).cleaned().faults() == {"name": "too_long"}


def test_text_that_means_something_to_ldap_csv_or_html_is_kept_as_it_is() -> None:
    name = "=1+1,王*)(uid=*<b>\\"
    assert an_application(name=name).cleaned().profile.name == name


def test_a_name_is_composed_and_its_blanks_are_single() -> None:
    assert an_application(name="  e\u0301va\u3000\t Wang ").cleaned().profile.name == "éva Wang"


def test_all_faults_are_told_at_once() -> None:
    faults = Application(account_name="", agency_id=None, profile=Profile(name="", title="")).faults()
    assert set(faults) == {"account_name", "name", "title", "agency_id", "phone", "mobile", "reason"}


def test_a_mobile_may_be_written_the_usual_ways() -> None:
    for text in ("0912-345-678", "0912 345 678", "+886 912 345 678"):
        assert an_application(mobile=text).cleaned().profile.mobile == "0912345678"


def test_a_grant_covers_its_agency_and_its_subtree_only_where_flagged() -> None:
    case = make_case(path="1.2.3")
    assert may(make_rights("1.2.3"), SEE_CASES, case, None)
    assert not may(make_rights("1.2"), SEE_CASES, case, None)
    assert may(make_rights("1.2", with_subordinates=True), SEE_CASES, case, None)
    assert not may(make_rights("1.2.3.4", with_subordinates=True), SEE_CASES, case, None)
    assert not may(make_rights("1.20", with_subordinates=True), SEE_CASES, case, None)


def test_a_case_that_came_up_is_seen_by_the_deciding_agencys_manager_without_the_flag() -> None:
    case = make_case(path="1.2.3")
    assert may(make_rights("1.2"), SEE_CASES, case, AgencyId(2))
    assert not may(make_rights("1"), SEE_CASES, case, AgencyId(2))


def test_a_system_manager_sees_every_case_and_somebody_without_grants_none() -> None:
    assert may(make_rights(None, role=Role.SYSTEM_MANAGER), SEE_CASES, make_case(), None)
    assert not may(Rights(MANAGER, ()), SEE_CASES, make_case(), AgencyId(2))


MACROS = ("lead", "summary", "approved", "rejecting", "withdrawing")


def test_each_type_of_case_has_what_the_pages_ask_of_it() -> None:
    folder = pathlib.Path(__file__).resolve().parents[2] / "admin-ui/hufu_console/templates/cases/types"
    types = [one for feature in FEATURES for one in feature.case_types]
    assert {one.name for one in types} == {file.stem for file in folder.glob("*.html")}
    for one in types:
        page = (folder / f"{one.name}.html").read_text(encoding="utf-8")
        assert not [name for name in MACROS if f"{{% macro {name}(" not in page], one.name
