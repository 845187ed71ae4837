"""The console's pages of agencies over HTTP, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Role
from tests.kit import accounts
from tests.kit.consoles import signed_in

Door = Callable[[AccountId], FlaskClient]


@pytest.fixture
def door(app: Flask, services: SqlServices) -> Door:
    """A browser in which an account is signed in; its pages are in English."""
    return lambda account_id: signed_in(app, services, account_id, language="en")


def official(services: SqlServices, agency: Agency, name: str, role: Role | None = None) -> AccountId:
    return accounts.official(services, agency, name, role=role, name=name.title(), title="科長").id


@pytest.fixture
def system_manager(services: SqlServices, chain: Sequence[Agency]) -> AccountId:
    return official(services, chain[0], "sysmanager", Role.SYSTEM_MANAGER)


def read(services: SqlServices, agency: Agency) -> Agency:
    with services.begin() as work:
        return work.agencies.get(agency.id)


def test_tree_is_browsed_and_searched(door: Door, chain: Sequence[Agency], system_manager: AccountId) -> None:
    browser = door(system_manager)
    assert "測試院" in browser.get("/agencies").text
    assert f'href="/agencies/{chain[1].id}"' in browser.get(f"/agencies/{chain[0].id}").text
    assert "測試院 › 測試部 › 測試署" in browser.get("/agencies/found?words=測試署").text
    searched = browser.post("/agencies/search", data={"words": "測試 隊"})
    assert "測試" not in searched.location
    assert "測試隊" in browser.get(searched.location).text


def test_a_name_for_which_the_directory_has_no_room_is_said_to_be_shortened_there(
    door: Door, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    browser, at = door(system_manager), f"/agencies/{chain[1].id}"
    assert "shortened" not in browser.get(at).text
    form = {"version": chain[1].version, "name": "局" * 65, "since": "115-11-01"}
    assert browser.post(f"{at}/rename", data=form).status_code == 303
    page = browser.get(at).text
    assert "The directory holds a shortened name" in page
    assert f"{'局' * 63}…" in page


def test_a_units_name_is_no_longer_than_its_people_can_bear_in_the_directory(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    browser = door(system_manager)
    long = browser.post(f"/agencies/{chain[3].id}/units/add", data={"name": "科" * 65})
    assert long.status_code == 422
    assert "at most 64 characters" in long.text
    unit = add_unit(AddUnit(chain[3].id, "科" * 64), services, OPERATOR)
    form = {"version": unit.version, "name": "室" * 65, "since": "115-11-01"}
    answer = browser.post(f"/agencies/{unit.id}/rename", data=form)
    assert (answer.status_code, "at most 64 characters" in answer.text) == (422, True)


def test_page_names_path_oid_code_and_history(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    browser, ministry = door(system_manager), chain[1]
    form = {"version": ministry.version, "name": "測試新部", "since": "115-11-01"}
    assert browser.post(f"/agencies/{ministry.id}/rename", data=form).status_code == 303
    page = browser.get(f"/agencies/{ministry.id}").text
    for text in ("測試院 › 測試新部", str(ministry.oid), "Z01000000Z", "測試部 → 測試新部", "Former names"):
        assert text in page
    assert read(services, chain[3]).full_name == "測試院 › 測試新部 › 測試署 › 測試隊"


def test_old_version_changes_nothing(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    form = {"version": 99, "name": "測試新部", "since": "115-11-01"}
    answer = door(system_manager).post(f"/agencies/{chain[1].id}/rename", data=form)
    assert (answer.status_code, read(services, chain[1]).name) == (422, "測試部")
    assert "Somebody changed this" in answer.text


def test_unit_is_added_by_the_manager_of_its_agency(door: Door, services: SqlServices, chain: Sequence[Agency]) -> None:
    bureau = chain[2]
    browser = door(official(services, bureau, "manager", Role.AGENCY_MANAGER))
    assert browser.get(f"/agencies/{bureau.id}/units/add").status_code == 200
    name = "<b>秘書室</b>𠮷"
    added = browser.post(f"/agencies/{bureau.id}/units/add", data={"name": name, "oid": ""}, follow_redirects=True)
    assert "&lt;b&gt;秘書室&lt;/b&gt;𠮷" in added.text
    assert name not in added.text


@pytest.mark.parametrize(
    "page",
    [
        "rename",
        "move",
        "move/review?parent_id=1&since=115-11-01",
        "close",
        "reopen",
        "mail-domains",
        "short-names",
        "managers/appoint",
    ],
)
def test_manager_changes_units_only(door: Door, services: SqlServices, chain: Sequence[Agency], page: str) -> None:
    browser = door(official(services, chain[2], "manager", Role.AGENCY_MANAGER))
    assert browser.get(f"/agencies/{chain[2].id}/{page}").status_code == 403
    # What only system managers may do anywhere is refused alike for every agency.
    elsewhere = 403 if page in ("mail-domains", "short-names", "managers/appoint") else 404
    assert browser.get(f"/agencies/{chain[0].id}/{page}").status_code == elsewhere
    assert browser.post(f"/agencies/{chain[0].id}/units/add", data={"name": "室"}).status_code == 404
    own = browser.get(f"/agencies/{chain[2].id}").text
    assert "Add a unit" in own
    assert "/rename" not in own


def test_ordinary_official_reads_but_changes_nothing(
    door: Door, services: SqlServices, chain: Sequence[Agency]
) -> None:
    browser = door(official(services, chain[2], "ordinary"))
    page = browser.get(f"/agencies/{chain[2].id}")
    assert page.status_code == 200
    assert "Managers" not in page.text
    assert browser.get(f"/agencies/{chain[2].id}/units/add").status_code == 404


def test_move_names_its_consequence_before_it_is_done(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    browser, team, ministry = door(system_manager), chain[3], chain[1]
    assert "測試院 › 測試部" in browser.get("/agencies/pick?words=測試部").text
    query = {"parent_id": ministry.id, "since": "115-11-20"}
    review = browser.get(f"/agencies/{team.id}/move/review", query_string=query)
    assert "測試院 › 測試部 › 測試隊" in review.text
    assert browser.post(f"/agencies/{team.id}/move/review", data=query | {"version": ""}).status_code == 422
    assert read(services, team).parent_id == chain[2].id
    done = browser.post(f"/agencies/{team.id}/move/review", data=query | {"version": team.version})
    assert (done.status_code, read(services, team).parent_id) == (303, ministry.id)


def test_move_below_itself_is_refused(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    form = {"parent_id": chain[3].id, "since": "115-11-20", "version": chain[1].version}
    answer = door(system_manager).post(f"/agencies/{chain[1].id}/move/review", data=form)
    assert answer.status_code == 422
    assert "cannot stand below itself" in answer.text


def test_closing_says_what_holds_it(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    official(services, chain[2], "manager", Role.AGENCY_MANAGER)
    browser, bureau, team = door(system_manager), chain[2], chain[3]
    refused = browser.post(f"/agencies/{bureau.id}/close", data={"version": bureau.version, "on": "115-11-20"})
    assert refused.status_code == 422
    assert "accounts, open agencies or units below it, managers" in refused.text
    assert (
        browser.post(f"/agencies/{team.id}/close", data={"version": team.version, "on": "115-11-20"}).status_code == 303
    )
    assert "Closed on" in browser.get(f"/agencies/{team.id}").text
    closed = read(services, team)
    assert browser.post(f"/agencies/{team.id}/reopen", data={"version": closed.version}).status_code == 303
    assert read(services, team).closed_on is None


def test_day_that_is_none_is_asked_for_again(door: Door, chain: Sequence[Agency], system_manager: AccountId) -> None:
    form = {"version": chain[3].version, "on": "31 February"}
    answer = door(system_manager).post(f"/agencies/{chain[3].id}/close", data=form)
    assert answer.status_code == 422
    assert "31 February" in answer.text


def test_mail_domains_are_set(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    browser, bureau = door(system_manager), chain[2]
    wrong = browser.post(
        f"/agencies/{bureau.id}/mail-domains", data={"version": bureau.version, "domains": "no domain"}
    )
    assert wrong.status_code == 422
    form = {"version": bureau.version, "domains": "b.example.org\nA.example.org"}
    assert browser.post(f"/agencies/{bureau.id}/mail-domains", data=form).status_code == 303
    assert read(services, bureau).mail_domains == ("a.example.org", "b.example.org")


def test_short_names_are_set(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    browser, bureau = door(system_manager), chain[2]
    assert "did not arrive whole" in browser.post(f"/agencies/{bureau.id}/short-names", data={"names": "測署"}).text
    assert read(services, bureau).short_names == ()
    form = {"version": bureau.version, "names": "測署\r\nTEST"}
    assert browser.post(f"/agencies/{bureau.id}/short-names", data=form).status_code == 303
    assert read(services, bureau).short_names == ("測署", "TEST")
    assert "測署" in browser.get(f"/agencies/{bureau.id}").text


def test_manager_is_appointed_from_the_people_of_the_agency(
    door: Door, services: SqlServices, chain: Sequence[Agency], system_manager: AccountId
) -> None:
    bureau = chain[2]
    chosen, other = official(services, bureau, "chosen"), official(services, chain[3], "elsewhere")
    browser, page = door(system_manager), f"/agencies/{bureau.id}/managers/appoint"
    assert str(chosen) in browser.get(page).text
    found = browser.post(f"/agencies/{bureau.id}/managers/candidates", data={"words": "e"}).text
    assert str(other) not in found
    assert browser.post(page, data={}).status_code == 422
    assert browser.post(page, data={"account_id": str(other)}).status_code == 422
    assert browser.post(page, data={"account_id": str(chosen)}).status_code == 303
    assert "Chosen" in browser.get(f"/agencies/{bureau.id}").text


def test_unknown_agency_is_not_found(door: Door, system_manager: AccountId) -> None:
    browser = door(system_manager)
    for number in ("999999", "99999999999999999999"):
        assert browser.get(f"/agencies/{number}").status_code == 404
