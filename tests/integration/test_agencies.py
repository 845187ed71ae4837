"""Agencies changed by hand and read, on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hufu_registry.agencies.model import AgencyKind, Path
from hufu_registry.agencies.store import agencies, at_or_below, children, former_names, search, tree_path
from hufu_registry.agencies.use_cases import (
    AddUnit,
    Close,
    ImportList,
    Move,
    Rename,
    Reopen,
    SetMailDomains,
    SetShortNames,
    add_unit,
    close,
    import_list,
    move,
    rename,
    reopen,
    set_mail_domains,
    set_short_names,
)
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor, applicant_actor
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from tests.kit.registry import HEADER, TOP, Registry

# By hand


def test_a_unit_stands_below_an_agency_with_an_oid_or_without(registry: Registry) -> None:
    registry.take(("20001", "部"))
    unit = registry.unit(registry.at("20001"), "人事處")
    lower = registry.unit(unit, "第一科", f"{TOP}.20001.29001")
    assert (unit.kind, unit.oid, unit.home_id) == (AgencyKind.UNIT, None, registry.at("20001").id)
    assert lower.home_id == registry.at("20001").id
    assert lower.full_name == "行政院 › 部 › 人事處 › 第一科"
    assert registry.found("人事處 一科") == ["行政院 › 部 › 人事處 › 第一科"]
    registry.check()
    with pytest.raises(Conflict, match="oid_taken"):
        registry.unit(unit, "又一科", f"{TOP}.20001.29001")
    with pytest.raises(Invalid):
        registry.unit(unit, "又一科", "1.2.3")
    with pytest.raises(Conflict, match="unit_exists"):
        registry.unit(unit, " 第一科")
    with pytest.raises(NotFound):
        add_unit(AddUnit(AgencyId(10**12), "科"), registry.services, OPERATOR)
    assert registry.take(("20001", "部")).changes_nothing


def test_units_do_not_stand_below_bare_places_or_closed_agencies(registry: Registry) -> None:
    place = f'{HEADER}公所,2.16.886.101.90010.20002,,,"o=縣政府,l=彰化縣,c=TW"\n'
    import_list(ImportList(place.encode()), registry.services, OPERATOR)
    with registry.services.begin(SYSTEM) as work:
        locality = work.agencies.find_by_oid("2.16.886.101.90010")
        agency = work.agencies.find_by_oid("2.16.886.101.90010.20002")
    assert locality is not None
    assert agency is not None
    with pytest.raises(IllegalMove, match="units_stand_below_agencies"):
        registry.unit(locality)
    registry.close(agency)
    with pytest.raises(IllegalMove, match="agency_closed"):
        registry.unit(agency)


def test_what_a_list_moves_elsewhere_leaves_its_old_place_to_be_looked_at(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20002", "會"))
    registry.enqueue(registry.at("20001"), registry.at("20001.20001"))
    history = (
        f"old_name,new_name,old_oid,new_oid,change_date,ref\n署,署,{TOP}.20001.20001,{TOP}.20002.20001,2013/7/23,\n"
    )
    registry.take(("20001", "部"), ("20002", "會"), ("20002.20001", "署"), history_file=history.encode())
    moved = registry.at("20002.20001")
    assert moved.parent_id == registry.at("20002").id
    wishes = registry.wishes()
    assert (wishes[str(moved.id)], wishes[str(registry.at("20001").id)]) == (2, 2)


def test_a_new_name_reaches_all_below_and_the_old_one_is_found(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "部署"))
    registry.enqueue(registry.at("20001"))
    unit = registry.unit(registry.at("20001.20001"))
    renamed = registry.rename(registry.at("20001"), "台灣部")
    assert renamed.name == "台灣部"
    assert registry.get(unit).full_name == "行政院 › 台灣部 › 部署 › 第一科"
    registry.check()
    assert registry.found("臺灣 第一科") == ["行政院 › 台灣部 › 部署 › 第一科"]
    with registry.services.read() as connection:
        former = former_names(connection, renamed.id)
        hits = search(connection, "部", Page(), on=registry.today).rows
    assert [(one.name, one.until) for one in former] == [("部", registry.today)]
    assert {hit.full_name for hit in hits} == {"行政院 › 台灣部", "行政院 › 台灣部 › 部署"}
    assert registry.wishes()[str(renamed.id)] == 2
    assert registry.rename(renamed, " 台灣部 ").version == renamed.version
    assert registry.take(("20001", "部"), ("20001.20001", "部署")).changes_nothing
    assert registry.get(renamed).name == "台灣部"


def test_a_unit_renamed_is_renamed_on_its_accounts(registry: Registry) -> None:
    registry.take(("20001", "部"))
    unit = registry.unit(registry.at("20001"))
    account = registry.account(registry.at("20001"), unit)
    with registry.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, account))
    registry.rename(unit, "第二科")
    with registry.services.read() as connection:
        assert connection.execute(sa.text("SELECT unit_name FROM accounts")).scalars().all() == ["第二科"]
    assert registry.wishes()[account] == 2


def test_a_move_takes_the_subtree_and_the_people_along(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20001.20001.20001", "組"), ("20002", "會"))
    ministry, agency, lower = registry.at("20001"), registry.at("20001.20001"), registry.at("20001.20001.20001")
    account = registry.account(lower)
    registry.enqueue(registry.at(), ministry, agency, lower)
    moved = registry.move(agency, registry.at("20002"))
    assert (moved.parent_id, moved.parent_by_hand) == (registry.at("20002").id, True)
    assert moved.path == registry.at("20002").path.child(agency.id)
    with registry.services.read() as connection:
        path = connection.execute(sa.text("SELECT agency_path FROM accounts WHERE id = :id"), {"id": account}).scalar()
        assert path == registry.get(lower).path.text
        assert tree_path(connection, lower.id)[1] == (registry.at("20002").id, "會")
    registry.check()
    wishes = registry.wishes()
    assert wishes[str(agency.id)] == 2
    assert wishes[str(registry.at("20002").id)] == 1
    report = registry.take(("20001", "部"), ("20001.20001", "署"), ("20001.20001.20001", "組"), ("20002", "會"))
    assert report.changes_nothing
    assert [(one.oid, one.reason) for one in report.differing] == [(f"{TOP}.20001.20001", "moved_by_hand")]


def test_moves_that_make_no_tree_are_refused(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20002", "會"))
    ministry, agency, other = registry.at("20001"), registry.at("20001.20001"), registry.at("20002")
    for target in (ministry, agency):
        with pytest.raises(IllegalMove, match="move_would_be_circle"):
            registry.move(ministry, target)
    unit = registry.unit(ministry)
    with pytest.raises(IllegalMove, match="agency_below_unit"):
        registry.move(other, unit)
    closed = registry.close(other)
    with pytest.raises(IllegalMove, match="agency_closed"):
        registry.move(agency, closed)
    registry.check()


def test_a_unit_with_people_stays_with_its_agency(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    unit = registry.unit(registry.at("20001"), "處")
    lower = registry.unit(unit, "科")
    registry.account(registry.at("20001"), lower)
    with pytest.raises(IllegalMove, match="unit_in_use"):
        registry.move(unit, registry.at("20002"))
    empty = registry.unit(registry.at("20001"), "空處")
    below = registry.unit(empty, "空科")
    registry.move(empty, registry.at("20002"))
    assert registry.get(below).home_id == registry.at("20002").id
    registry.check()
    other = registry.unit(registry.at("20001"), "另處")
    registry.move(lower, other)
    registry.check()


def test_an_agency_closes_only_when_nobody_needs_it(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"))
    ministry, agency = registry.at("20001"), registry.at("20001.20001")
    account = registry.account(agency)
    with pytest.raises(IllegalMove) as caught:
        registry.close(agency)
    assert (caught.value.code, caught.value.context["reasons"]) == ("agency_in_use", "accounts")
    with pytest.raises(IllegalMove) as caught:
        registry.close(ministry)
    assert caught.value.context["reasons"] == "children"
    with registry.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET state = 'deleted' WHERE id = :id"), {"id": account})
    closed = registry.close(agency)
    assert closed.closed_on == registry.today
    assert registry.found("署", applicants=True) == []
    assert registry.found("署") == ["行政院 › 部 › 署"]
    ministry = registry.close(ministry)
    with pytest.raises(IllegalMove, match="agency_closed"):
        reopen(Reopen(agency.id, closed.version), registry.services, OPERATOR)
    reopen(Reopen(ministry.id, ministry.version), registry.services, OPERATOR)
    reopened = reopen(Reopen(agency.id, closed.version), registry.services, OPERATOR)
    assert reopened.closed_on is None
    assert registry.actions()[-4:] == ["agency.closed", "agency.closed", "agency.reopened", "agency.reopened"]


def test_what_begins_tomorrow_is_entered_tomorrow(registry: Registry) -> None:
    registry.take(("20001", "部"))
    agency, tomorrow = registry.at("20001"), registry.today + timedelta(days=1)
    late: tuple[tuple[Any, Callable[..., object], str], ...] = (
        (Rename(agency.id, agency.version, "新", tomorrow), rename, "since"),
        (Move(agency.id, agency.version, registry.at().id, tomorrow), move, "since"),
        (Close(agency.id, agency.version, tomorrow), close, "on"),
    )
    for command, use_case, field in late:
        with pytest.raises(Invalid) as caught:
            use_case(command, registry.services, OPERATOR)
        assert caught.value.fields == {field: "in_the_future"}


def test_who_was_not_first_is_told_so(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    seen = registry.at("20001")
    registry.rename(seen, "新部")
    acts: tuple[Callable[[], object], ...] = (
        lambda: registry.rename(seen, "又新"),
        lambda: registry.move(seen, registry.at("20002")),
        lambda: registry.close(seen),
        lambda: set_mail_domains(SetMailDomains(seen.id, seen.version, ("a.tw",)), registry.services, OPERATOR),
    )
    for act in acts:
        with pytest.raises(Conflict, match="changed_meanwhile"):
            act()
    assert registry.get(seen).name == "新部"


def test_a_closing_waits_for_a_decision_under_way_and_then_sees_its_account(registry: Registry) -> None:
    registry.take(("20001", "部"))
    agency = registry.at("20001")
    outcome: list[object] = []

    def close_it() -> None:
        try:
            outcome.append(registry.close(agency))
        except IllegalMove as fault:
            outcome.append(fault.context["reasons"])

    closing = threading.Thread(target=close_it)
    with registry.services.begin(SYSTEM) as work:
        work.agencies.lock([agency.id])
        closing.start()
        closing.join(0.5)
        assert closing.is_alive()
        # Whoever only reads is not held up meanwhile.
        assert registry.found("部") == ["行政院 › 部"]
        registry.account_in(work.connection, agency)
    closing.join(10)
    assert outcome == ["accounts"]


def test_nothing_happens_without_a_right(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    agency, before = registry.at("20001"), registry.rows()
    attempts: list[Callable[[Actor], object]] = [
        lambda actor: add_unit(AddUnit(agency.id, "科"), registry.services, actor),
        lambda actor: rename(Rename(agency.id, 1, "新", registry.today), registry.services, actor),
        lambda actor: move(Move(agency.id, 1, registry.at("20002").id, registry.today), registry.services, actor),
        lambda actor: close(Close(agency.id, 1, registry.today), registry.services, actor),
        lambda actor: reopen(Reopen(agency.id, 1), registry.services, actor),
        lambda actor: set_short_names(SetShortNames(agency.id, 1, ("甲",)), registry.services, actor),
        lambda actor: set_mail_domains(SetMailDomains(agency.id, 1, ("a.tw",)), registry.services, actor),
    ]
    for attempt in attempts:
        for actor in (applicant_actor(), account_actor(AccountId(uuid4()))):
            with pytest.raises(NotFound, match="agency"):
                attempt(actor)
    assert registry.rows() == before


def test_mail_domains_are_kept_sorted_and_once(registry: Registry) -> None:
    registry.take(("20001", "部"))
    agency = registry.at("20001")
    command = SetMailDomains(agency.id, agency.version, ("Moi.gov.tw", "@a.tw", "moi.gov.tw", " "))
    assert set_mail_domains(command, registry.services, OPERATOR).mail_domains == ("a.tw", "moi.gov.tw")


# Reading


def test_the_nearest_match_comes_first_and_only_fit_places_are_selectable(registry: Registry) -> None:
    lines = (
        f'{HEADER}測試市政府,2.16.886.101.90099.20002,,,"o=市政府,l=測試市,c=TW"\n'
        '測試市政府秘書處,2.16.886.101.90099.20002.20001,,,"ou=秘書處,o=市政府,l=測試市,c=TW"\n'
        '新測試市政府,2.16.886.101.90099.20002.20002,,,"ou=新,o=市政府,l=測試市,c=TW"\n'
        '秘書處,2.16.886.101.90099.20002.20003,,,"ou=秘書處,o=市政府,l=測試市,c=TW"\n'
    )
    import_list(ImportList(lines.encode()), registry.services, OPERATOR)
    names = [name.rpartition(" › ")[2] for name in registry.found("測試市政府")]
    assert names == ["測試市政府", "測試市政府秘書處", "新測試市政府"]
    assert registry.found("秘書處")[0].endswith("› 秘書處")
    with registry.services.read() as connection:
        hits = search(connection, "測試市", Page(), on=registry.today).rows
        selectable = {hit.name: hit.selectable for hit in hits}
        paged = search(connection, "測試市", Page(2, 2), on=registry.today)
        top = children(connection, None, Page(), on=registry.today)
        below = children(connection, top.rows[0].id, Page(), on=registry.today)
    assert selectable == {"測試市": False, "測試市政府": True, "測試市政府秘書處": True, "新測試市政府": True}
    assert (paged.total, len(paged.rows)) == (4, 2)
    assert [(row.name, row.children, row.selectable) for row in top.rows] == [("測試市", 1, False)]
    assert [(row.name, row.children, row.selectable) for row in below.rows] == [("測試市政府", 3, True)]


NAMES = ("衛生福利部", "國家發展委員會", "國家發展委員會檔案管理局", "臺北市政府", "新北市政府", "臺北市政府教育局")
USUAL = {
    "衛福部": "衛生福利部",
    "國發會": "國家發展委員會",
    "國家發展會": "國家發展委員會",
    "經發局": "臺中市政府經濟發展局",
    "中市 經發局": "臺中市政府經濟發展局",
    "北市府教育局": "臺北市政府教育局",
    "衛 福利部": "衛生福利部",
}


def test_an_abbreviation_finds_the_names_in_which_its_letters_stand_in_that_order(registry: Registry) -> None:
    names = (*NAMES, "臺中市政府經濟發展局", "衛戍福音部落文化館", "國發會議中心")
    registry.take(*((f"{20001 + number}", name) for number, name in enumerate(names)))
    for typed, name in USUAL.items():
        assert registry.found(typed)[0].endswith(f"› {name}"), typed
    assert len(registry.found("北市府")) == 3
    # Its letters may not stand in two names.
    renamed = registry.rename(registry.at("20001"), "健康部")
    with registry.services.read() as connection:
        assert search(connection, "衛健部", Page(), on=registry.today).total == 0
    assert registry.found("衛福部")[0] == renamed.full_name


def test_what_people_call_it_for_short_finds_it(registry: Registry) -> None:
    registry.take(("20001", "衛生福利部食品藥物管理署"), ("20002", "高雄捷運股份有限公司"))
    assert [len(registry.found(words)) for words in ("FDA", "ｔｆｄａ", "食藥署")] == [1, 1, 1]
    agency = registry.at("20002")
    command = SetShortNames(agency.id, agency.version, (" 高捷 ", "高捷", "KRTC", ""))
    named = set_short_names(command, registry.services, OPERATOR)
    assert named.short_names == ("高捷", "KRTC")
    # Neither a list nor another name takes them away.
    registry.take(("20001", "衛生福利部食品藥物管理署"), ("20002", "高雄捷運股份有限公司"), ("20003", "別的"))
    assert registry.rename(registry.get(named), "港都捷運公司").short_names == named.short_names
    assert [name.rpartition(" › ")[2] for name in registry.found("krtc")] == ["港都捷運公司"]
    with pytest.raises(Invalid, match="names: too_long"):
        set_short_names(SetShortNames(agency.id, 1, ("長" * 21,)), registry.services, OPERATOR)
    with pytest.raises(Invalid, match="names: too_many"):
        set_short_names(SetShortNames(agency.id, 1, tuple("一二三四五六七八九十百")), registry.services, OPERATOR)


def test_what_no_agency_is_called_offers_the_nearest_names(registry: Registry) -> None:
    registry.take(*((f"{20001 + number}", name) for number, name in enumerate(NAMES)))
    with registry.services.read() as connection:
        near = search(connection, "衛生福力部", Page(), on=registry.today)
        nothing = [
            search(connection, words, Page(), on=registry.today).rows for words in ("甲乙丙", "x1.2.3", "。", "部")
        ]
    assert near.total == 0
    assert [hit.name for hit in near.rows] == ["衛生福利部"]
    assert [len(rows) for rows in nothing] == [0, 0, 0, 1]


@pytest.mark.requirement("X-01")
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_for_random_trees_and_moves_path_and_scope_are_those_of_the_parents(
    registry: Registry, data: st.DataObject
) -> None:
    with registry.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("TRUNCATE agencies RESTART IDENTITY CASCADE"))
    registry.take(*((str(20001 + number), f"機關{number}") for number in range(4)))
    for _ in range(data.draw(st.integers(1, 6))):
        rows = registry.rows()
        parent = registry.number(data.draw(st.sampled_from(rows))["id"])
        registry.unit(parent, f"科{len(rows)}")
    for _ in range(data.draw(st.integers(1, 10))):
        rows = registry.rows()
        one, other = (registry.number(data.draw(st.sampled_from(rows))["id"]) for _ in range(2))
        reachable = one.id in walk_up(rows, other.id)
        if reachable:
            with pytest.raises(IllegalMove, match="move_would_be_circle"):
                registry.move(one, other)
            continue
        with contextlib.suppress(IllegalMove):  # an agency below a unit, people who would change agency
            registry.move(one, other)
    registry.check()
    rows = registry.rows()
    with registry.services.read() as connection:
        for upper in rows:
            inside = at_or_below(agencies.c.path, Path(upper["path"]))
            in_scope = set(connection.execute(sa.select(agencies.c.id).where(inside)).scalars())
            assert in_scope == {row["id"] for row in rows if upper["id"] in walk_up(rows, row["id"])}
            assert in_scope == {row["id"] for row in rows if Path(upper["path"]).covers(Path(row["path"]))}


def walk_up(rows: list[dict[str, object]], start: object) -> list[object]:
    parents = {row["id"]: row["parent_id"] for row in rows}
    way = [start]
    while (above := parents[way[-1]]) is not None:
        way.append(above)
    return way
