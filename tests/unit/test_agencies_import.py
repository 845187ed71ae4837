"""Reading the government's list, and what it would do to the agencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.model import (
    AgencyKind,
    ImportPlan,
    Key,
    Listing,
    Node,
    plan_import,
    read_codes,
    read_history,
    read_list,
)
from hufu_registry.agencies.model.listing import ListedRow, dn_steps
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AgencyId

TODAY = date(2026, 11, 21)
OLD = "機關名稱,OID,電話,地址,DN\n"
NEW = "OrgName,OID,TEL,Address,DN,OrgCode\n"
A = "2.16.886.101.20003"
Registry = dict[AgencyId, Node]


def row(oid: str, name: str = "某機關", dn: str = "", line: int = 2, code: str = "") -> ListedRow:
    return ListedRow(line, name, oid, dn=dn, agency_code=code)


def listing(*rows: ListedRow) -> Listing:
    return Listing(tuple(replace(one, line=number) for number, one in enumerate(rows, 2)))


def settled(plan: ImportPlan) -> Registry:
    """The registry after the plan, as the store would write it."""
    free = count(max((key for key in plan.nodes if isinstance(key, int)), default=0) + 1)
    ids: dict[Key, AgencyId] = {key: AgencyId(key if isinstance(key, int) else next(free)) for key in plan.nodes}
    return {
        ids[key]: replace(node, key=ids[key], parent=None if node.parent is None else ids[node.parent])
        for key, node in plan.nodes.items()
    }


def imported(*rows: ListedRow, into: Registry | None = None, **options: Any) -> tuple[Registry, ImportPlan]:
    plan = plan_import(listing(*rows), into or {}, today=TODAY, **options)
    return settled(plan), plan


def by_oid(registry: Mapping[AgencyId, Node], oid: str) -> Node:
    return next(node for node in registry.values() if node.oid == oid)


def named(findings: Iterable[object]) -> list[str]:
    return [str(finding.oid) for finding in findings]  # type: ignore[attr-defined]


# The file


def test_both_styles_of_columns_say_the_same() -> None:
    old = read_list(f'{OLD}"某部","{A}","02","路","o=某部,c=TW"\n'.encode("utf-8-sig"))
    new = read_list(f'{NEW}"某部","{A}","02","路","o=某部,c=TW","387000000A"\n'.encode())
    assert old.rows == (ListedRow(2, "某部", A, "02", "路", "o=某部,c=TW"),)
    assert new.rows == (replace(old.rows[0], agency_code="387000000A"),)
    assert read_list(f"DN,OrgCode,OID,TEL,Address,OrgName\r\n,,{A},,,某部\r\n".encode()).rows[0].name == "某部"


def test_stray_spaces_and_tabs_are_no_part_of_a_value() -> None:
    found = read_list(f'{OLD}"某部 ","  {A} \t","02\u00a0","路\u3000","o=某部,c=TW"\n\n'.encode())
    assert found.rows == (ListedRow(2, "某部", A, "02", "路", "o=某部,c=TW"),)


def test_the_real_list_is_read_whole() -> None:
    found = read_list((DATA / "GDS_2019.csv").read_bytes())
    assert len(found.rows) == 8_262
    assert not found.rejected
    assert all(one.steps is not None for one in found.rows)
    assert len(read_list((DATA / "schools_made_up.csv").read_bytes()).rows) == 5


@pytest.mark.parametrize(
    ("data", "code", "context"),
    [
        (b"", "file_empty", {}),
        (f"{OLD}某部,{A},,,\n".encode("big5"), "file_not_utf8", {"line": 1}),
        (OLD.encode() + b"a,b\n\xff\xfe", "file_not_utf8", {"line": 3}),
        ("機關名稱,OID,電話\n".encode(), "file_columns", {"missing": "地址, DN"}),
        (b"OrgName,TEL,Address,OrgCode\n", "file_columns", {"missing": "OID, DN"}),
        (b"\x00\x01\x02", "file_columns", None),
        (f'{OLD}"某部,{A},,,\n總統府,{A}2,,,\n'.encode(), "file_quotes", None),
        (f'{OLD}"某部","{A}","","",""\n"某部,"{A}2","","",""\n'.encode(), "file_quotes", None),
        (f'{OLD}"{"某" * 200_000}\n'.encode(), "file_quotes", None),
    ],
)
def test_a_file_that_is_no_list_is_refused_as_a_whole(
    data: bytes, code: str, context: dict[str, object] | None
) -> None:
    with pytest.raises(Invalid) as caught:
        read_list(data)
    assert caught.value.code == code
    if context is not None:
        assert dict(caught.value.context) == context


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"某部,{A},,", "number_of_cells"),
        (f"某部,{A},,,,,", "number_of_cells"),
        ("某部,,,,", "oid_missing"),
        ("某部,2.16.886.102.20001,,,", "oid_outside_known_arcs"),
        ("某部,1.3.6.1.4.1,,,", "oid_outside_known_arcs"),
        ("某部,2.16.886.1010.5,,,", "oid_outside_known_arcs"),
        ("某部,2.16.886.101.020003,,,", "oid_malformed"),
        ("某部,2.16.886.101.2000x,,,", "oid_malformed"),
        (f"某部,{A}.,,,", "oid_malformed"),
        (f"另一部,{A}.20001,,,", "oid_duplicate"),
        (f" ,{A},,,", "name_missing"),
        (f"{'部' * 201},{A},,,", "name_too_long"),
        (f"某\x00部,{A},,,", "control_character"),
        (f"\u202e倒,{A},,,", "control_character"),
        (f"某\ue001部,{A},,,", "control_character"),
        (f"\ufe00,{A},,,", "nothing_to_see"),
        (f"{'某' * 1001},{A},,,", "too_long"),
        (f"某部,{A},\x1b[31m,,", "control_character"),
    ],
)
def test_a_bad_line_is_rejected_with_number_and_reason_and_stops_no_other(line: str, reason: str) -> None:
    found = read_list(f'{OLD}好,{A}.20001,,,\n{line}\n"也\n好",{A}.20002,,,\n壞,x,,,\n'.encode())
    assert [one.name for one in found.rows] == ["好", "也 好"]
    assert [(one.line, one.reason) for one in found.rejected] == [(3, reason), (6, "oid_outside_known_arcs")]


def test_a_bad_code_costs_the_code_not_the_agency() -> None:
    found = read_list(f"{NEW}某部,{A},,,,38700000A\n".encode())
    assert found.rows[0].agency_code == ""
    assert [(one.line, one.reason, one.detail) for one in found.remarks] == [(2, "agency_code_malformed", "38700000A")]


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "<script>alert(1)</script>",
        '他說"好"',
        "100%_\\",
        "a,b",
        "𠀋" * 200,
        "Ö" * 200,
        "'; DROP --",
    ],
)
def test_text_that_means_something_elsewhere_is_a_name_like_any_other(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert read_list(f"{OLD}{quoted},{A},,,\n".encode()).rows[0].name == name


def test_a_dn_is_read_from_the_top() -> None:
    assert dn_steps("ou=經濟發展局,o=市政府,l=臺中市,c=TW") == (("l", "臺中市"), ("o", "市政府"), ("ou", "經濟發展局"))
    assert dn_steps("ou=甲\\,乙,O = 丙 ,c=TW") == (("o", "丙"), ("ou", "甲,乙"))
    for bad in ("", "c=TW", "o=甲", "o=,c=TW", "o=甲,c=US", "甲,c=TW"):
        assert dn_steps(bad) is None


def test_codes_by_name_where_a_name_has_one() -> None:
    codes, rejected = read_codes("100000000A,甲\n200000000A,乙\n300000000A,乙\n9,丙\nxx\n".encode())
    assert codes == {"甲": "100000000A"}
    assert [(one.line, one.reason) for one in rejected] == [
        (4, "code_line_malformed"),
        (5, "code_line_malformed"),
        (3, "name_has_two_codes"),
    ]


# The plan


def test_the_whole_real_list_makes_the_tree_the_counts_say() -> None:
    codes, _ = read_codes((DATA / "orgcode_2014.txt").read_bytes())
    found = read_list((DATA / "GDS_2019.csv").read_bytes())
    plan = plan_import(found, {}, today=TODAY, codes=codes)
    registry = settled(plan)
    kinds = [node.kind for node in registry.values()]
    assert (len(plan.report.new), len(plan.report.built)) == (8_262, 252)
    assert kinds.count(AgencyKind.AGENCY) == 8_262
    assert kinds.count(AgencyKind.LOCALITY) == 226
    assert kinds.count(AgencyKind.PLACEHOLDER) == 26
    assert sum(node.agency_code is not None for node in registry.values()) == 3_171
    assert by_oid(registry, "2.16.886.101.90027.20002").agency_code == "387000000A"
    again = plan_import(found, registry, today=TODAY, codes=codes)
    assert again.report.changes_nothing
    assert dict(again.nodes) == registry


def test_missing_parents_are_built_from_the_dn() -> None:
    registry, plan = imported(
        row("2.16.886.101.90010.90003.20002", "和美鎮公所", "o=鎮公所,l=和美鎮,l=彰化縣,c=TW"),
        row("2.16.886.101.90027.20003.20001", "和平區公所", "o=區公所,l=和平區,l=臺中市,c=TW"),
        row("2.16.886.101.20003.20001.20014.20001", "第一隊", "ou=第一隊,ou=保安總隊,ou=內政部,o=行政院,c=TW"),
        row("2.16.886.111.90010.100901", "某國小", "o=某國小,l=彰化縣,c=TW"),
    )
    kinds = {str(node.oid).removeprefix("2.16.886."): (node.kind.value, node.name) for node in registry.values()}
    assert kinds["101.90010"] == ("locality", "彰化縣")
    assert kinds["101.90010.90003"] == ("locality", "和美鎮")
    assert kinds["101.90027.20003"] == ("locality", "和平區")
    assert kinds["101.20003.20001.20014"] == ("placeholder", "保安總隊")
    assert kinds["111.90010"] == ("locality", "彰化縣")
    assert kinds["111.90010.100901"] == ("school", "某國小")
    top = by_oid(registry, "2.16.886.101.20003")
    assert by_oid(registry, "2.16.886.101.20003.20001").parent == top.key
    assert top.parent is None
    assert len(plan.report.built) == 8


def test_a_row_whose_place_is_unknown_is_rejected_and_the_others_stay() -> None:
    registry, plan = imported(row(f"{A}.20001", "孤兒", "o=孤兒,c=TW"), row("2.16.886.101.20004", "立法院", "亂寫"))
    assert [(one.line, one.reason) for one in plan.report.rejected] == [(2, "parent_unknown")]
    assert [node.name for node in registry.values()] == ["立法院"]


def test_a_place_built_earlier_becomes_the_agency_when_its_row_comes() -> None:
    below = row(f"{A}.20001", "內政部", "ou=內政部,o=行政院,c=TW")
    registry, _ = imported(below)
    after, plan = imported(below, row(A, "行政院", "o=行政院,c=TW"), into=registry)
    assert by_oid(after, A).kind is AgencyKind.AGENCY
    assert by_oid(after, A).key == by_oid(registry, A).key
    assert named(plan.report.new) == [A]


def test_a_new_name_is_reported_and_the_old_one_kept_as_former() -> None:
    registry, _ = imported(row(A, "甲"))
    after, plan = imported(row(A, "乙"), into=registry)
    assert [(one.old, one.new) for one in plan.report.renamed] == [("甲", "乙")]
    assert [(one.name, one.oid, one.until) for one in plan.former_names] == [("甲", None, TODAY)]
    assert by_oid(after, A).name == "乙"


def test_a_name_given_by_hand_stays_until_the_list_itself_changes() -> None:
    registry, _ = imported(row(A, "甲"))
    key = by_oid(registry, A).key
    registry[AgencyId(int(key))] = replace(by_oid(registry, A), name="手")
    after, plan = imported(row(A, "甲"), into=registry)
    assert (by_oid(after, A).name, plan.report.differing[0].reason) == ("手", "renamed_by_hand")
    assert plan.report.changes_nothing
    after, plan = imported(row(A, "丙"), into=registry)
    assert by_oid(after, A).name == "丙"


def test_codes_stay_empty_where_a_name_is_not_the_only_one_and_the_column_wins() -> None:
    codes = {"秘書室": "100000000A", "甲部": "200000000A", "乙部": "300000000A"}
    registry, _ = imported(
        row("2.16.886.101.20001", "秘書室"),
        row("2.16.886.101.20002", "秘書室"),
        row("2.16.886.101.20003", "甲部"),
        row("2.16.886.101.20004", "乙部", code="900000000A"),
        codes=codes,
    )
    assert [node.agency_code for node in registry.values()] == [None, None, "200000000A", "900000000A"]


PAIR = ("2.16.886.101.20003.20001", "2.16.886.101.20009")


@pytest.mark.parametrize("successors", [[PAIR], [PAIR[::-1]], [PAIR, PAIR[::-1]]])
def test_a_successor_is_the_same_agency_under_a_new_oid(successors: list[tuple[str, str]]) -> None:
    registry, _ = imported(row(A, "行政院"), row(PAIR[0], "衛生署"))
    key = by_oid(registry, PAIR[0]).key
    after, plan = imported(
        row(A, "行政院"), row(PAIR[1], "衛生福利部"), into=registry, successors=successors, occupied=frozenset({key})
    )
    moved = by_oid(after, PAIR[1])
    assert (moved.key, moved.name, moved.parent) == (key, "衛生福利部", None)
    assert [(one.old, one.new, one.reason) for one in plan.report.moved] == [(*PAIR, "new_oid")]
    assert [(one.name, one.oid) for one in plan.former_names] == [("衛生署", PAIR[0])]
    assert not plan.report.new
    assert not plan.report.gone
    assert imported(row(A, "行政院"), row(PAIR[1], "衛生福利部"), into=after, successors=successors)[
        1
    ].report.changes_nothing


def test_a_pair_whose_both_sides_are_listed_moves_nothing() -> None:
    registry, _ = imported(row(A, "院"), row(PAIR[0], "甲"))
    _, plan = imported(row(A, "院"), row(PAIR[0], "甲"), row(PAIR[1], "乙"), into=registry, successors=[PAIR])
    assert named(plan.report.new) == [PAIR[1]]
    assert not plan.report.moved


def test_one_successor_of_two_agencies_is_left_to_a_person() -> None:
    registry, _ = imported(row(A, "院"), row(f"{A}.20001", "甲"), row(f"{A}.20002", "乙"))
    _, plan = imported(
        row(A, "院"),
        row(f"{A}.20003", "丙"),
        into=registry,
        successors=[(f"{A}.20001", f"{A}.20003"), (f"{A}.20002", f"{A}.20003")],
    )
    assert {one.reason for one in plan.report.differing} == {"successor_not_unique"}
    assert named(plan.report.gone) == [f"{A}.20001", f"{A}.20002"]


def test_what_hung_on_a_place_follows_to_the_agency_that_takes_its_oid() -> None:
    registry, _ = imported(
        row(A, "院"), row(f"{A}.20001", "甲"), row(f"{A}.20002.20001", "乙", "ou=乙,ou=丙,o=院,c=TW")
    )
    place = by_oid(registry, f"{A}.20002")
    registry[AgencyId(99)] = Node(AgencyId(99), place.key, AgencyKind.UNIT, "手作")
    after, _ = imported(
        row(A, "院"),
        row(f"{A}.20002", "丙"),
        row(f"{A}.20002.20001", "乙"),
        into=registry,
        successors=[(f"{A}.20001", f"{A}.20002")],
    )
    agency = by_oid(after, f"{A}.20002")
    assert agency.key == by_oid(registry, f"{A}.20001").key
    assert by_oid(after, f"{A}.20002.20001").parent == agency.key
    assert after[AgencyId(99)].parent == agency.key
    assert (after[AgencyId(int(place.key))].oid, after[AgencyId(int(place.key))].closed_on) == (None, TODAY)


def test_the_gone_are_closed_and_whoever_is_needed_is_kept_and_listed() -> None:
    whole = [
        row(A, "院"),
        row(f"{A}.20001", "甲"),
        row(f"{A}.20001.20001", "甲一"),
        row(f"{A}.20002", "乙"),
        row(f"{A}.20002.20001", "乙一"),
        row(f"{A}.20003", "丙"),
        row(f"{A}.20004", "丁"),
    ]
    registry, _ = imported(*whole)
    registry[AgencyId(99)] = Node(AgencyId(99), by_oid(registry, f"{A}.20004").key, AgencyKind.UNIT, "手作科")
    people = frozenset({by_oid(registry, f"{A}.20002.20001").key, by_oid(registry, f"{A}.20003").key})
    after, plan = imported(whole[0], into=registry, occupied=people)
    assert {(one.oid, one.reason) for one in plan.report.kept} == {
        (f"{A}.20002", "in_use_below"),
        (f"{A}.20002.20001", "in_use"),
        (f"{A}.20003", "in_use"),
        (f"{A}.20004", "open_below"),
    }
    assert named(plan.report.gone) == [f"{A}.20001.20001", f"{A}.20001"]
    assert by_oid(after, f"{A}.20001").closed_on == TODAY
    again, plan = imported(whole[0], into=after, occupied=people)
    assert plan.report.changes_nothing
    assert again == after
    assert len(plan.report.kept) == 4
    back, plan = imported(*whole, into=after, occupied=people)
    assert named(plan.report.reopened) == [f"{A}.20001", f"{A}.20001.20001"]
    assert by_oid(back, f"{A}.20001").is_open


def test_a_gone_agency_above_listed_ones_stays_as_a_bare_place() -> None:
    below = row(f"{A}.20001", "部", "ou=部,o=院,c=TW")
    registry, _ = imported(row(A, "行政院"), below)
    after, plan = imported(below, into=registry)
    assert [(one.oid, one.reason) for one in plan.report.gone] == [(A, "becomes_placeholder")]
    assert by_oid(after, A).kind is AgencyKind.PLACEHOLDER
    assert imported(below, into=after)[1].report.changes_nothing


def test_a_rejected_line_does_not_make_its_agency_gone() -> None:
    registry, _ = imported(row(A, "院"), row(f"{A}.20001", "甲"), row(f"{A}.20002", "乙"))
    found = read_list(f"{OLD}院,{A},,,\n,{A}.20001,,,\n乙,{A}.20002\n".encode())
    plan = plan_import(found, registry, today=TODAY)
    assert len(plan.report.rejected) == 2
    assert not plan.report.gone


@pytest.mark.parametrize("line", ["甲,x,,,", "甲,,,,", f"甲,{A},,,", f"甲,{A}.9.20001,,,", "甲"])
def test_a_rejected_line_closes_nothing_whatever_it_was_meant_for(line: str) -> None:
    registry, _ = imported(row(A, "院"), row(f"{A}.20001", "甲"), row(f"{A}.20002", "乙"))
    plan = plan_import(read_list(f"{OLD}院,{A},,,\n{line}\n".encode()), registry, today=TODAY)
    assert not plan.report.gone
    assert {finding.reason for finding in plan.report.kept} == {"lines_rejected"}
    assert plan.report.would_close == 2


@pytest.mark.parametrize("written", ["'{}", '"=""{}"""', "’{}", "\u200b{}\ufeff", "２{1}", " {}\u00a0", '"""{}"""'])
def test_what_a_spreadsheet_adds_to_an_oid_is_no_part_of_it(written: str) -> None:
    registry, _ = imported(row(A, "院"), row(f"{A}.20001", "甲"))
    oid = f"{A}.20001"
    found = read_list(f"{OLD}院,{A},,,\n甲,{written.format(oid, oid[1:])},,,\n".encode())
    assert plan_import(found, registry, today=TODAY).report.changes_nothing


def test_an_agency_with_units_of_its_own_is_kept_even_where_agencies_below_it_are_listed() -> None:
    below = row(f"{A}.20001", "部", "ou=部,o=院,c=TW")
    registry, _ = imported(row(A, "行政院"), below)
    registry[AgencyId(99)] = Node(AgencyId(99), by_oid(registry, A).key, AgencyKind.UNIT, "手作科")
    after, plan = imported(below, into=registry)
    assert [(one.oid, one.reason) for one in plan.report.kept] == [(A, "open_below")]
    assert by_oid(after, A).kind is AgencyKind.AGENCY


def test_a_list_speaks_only_for_the_arcs_it_has_rows_under() -> None:
    school = row("2.16.886.111.90010.100901", "國小", "o=國小,l=彰化縣,c=TW")
    registry, _ = imported(row(A, "院"), school)
    assert not imported(school, into=registry)[1].report.gone
    assert not imported(row(A, "院"), into=registry)[1].report.gone


def test_a_parent_set_by_hand_is_kept_and_the_difference_told() -> None:
    rows = [row(A, "院"), row(f"{A}.20001", "甲"), row(f"{A}.20002", "乙")]
    registry, _ = imported(*rows)
    key = AgencyId(int(by_oid(registry, f"{A}.20002").key))
    registry[key] = replace(registry[key], parent=by_oid(registry, f"{A}.20001").key, parent_by_hand=True)
    after, plan = imported(*rows, into=registry)
    assert after == registry
    assert [(one.oid, one.old, one.new) for one in plan.report.differing] == [(f"{A}.20002", "甲", "院")]


def test_a_circle_made_with_a_hand_set_parent_is_refused() -> None:
    one, other = f"{A}.20001", "2.16.886.101.20009"
    registry, _ = imported(row(A, "院"), row(one, "甲"), row(other, "乙"))
    key = AgencyId(int(by_oid(registry, one).key))
    registry[key] = replace(registry[key], parent=by_oid(registry, other).key, parent_by_hand=True)
    new = f"{one}.20001"
    after, plan = imported(row(A, "院"), row(one, "甲"), row(new, "乙"), into=registry, successors=[(other, new)])
    assert [finding.reason for finding in plan.report.differing] == ["moved_by_hand", "would_be_circle"]
    assert by_oid(after, new).parent is None


def test_units_and_hand_made_agencies_are_never_gone_and_stay_what_they_are() -> None:
    registry, _ = imported(row(A, "院"))
    top = by_oid(registry, A).key
    registry[AgencyId(7)] = Node(AgencyId(7), top, AgencyKind.UNIT, "科", oid=f"{A}.20007")
    registry[AgencyId(8)] = Node(AgencyId(8), top, AgencyKind.UNIT, "無號")
    after, plan = imported(row(A, "院"), row(f"{A}.20007", "科"), into=registry)
    assert after[AgencyId(7)].kind is AgencyKind.UNIT
    after, plan = imported(row(A, "院"), into=after)
    assert plan.report.changes_nothing
    assert not plan.report.gone


def test_the_share_that_may_close_is_measured_against_what_the_list_speaks_for() -> None:
    rows = [row(f"2.16.886.101.{20000 + number}", str(number)) for number in range(1, 41)]
    registry, _ = imported(*rows)
    assert not imported(*rows[:38], into=registry)[1].report.closes_more_than(5)
    assert imported(*rows[:37], into=registry)[1].report.closes_more_than(5)


@st.composite
def lists(draw: st.DrawFn) -> list[ListedRow]:
    oids = draw(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=1, max_size=15))
    arcs = sorted({tuple(one) for one in oids})
    rows = []
    for one in arcs:
        dn = ",".join([f"ou=甲{step}" for step in reversed(one)] + ["c=TW"])
        name = draw(st.sampled_from("甲乙丙丁"))
        rows.append(row("2.16.886.101." + ".".join(str(arc) for arc in one), name, dn))
    return draw(st.permutations(rows))


@given(st.lists(lists(), min_size=1, max_size=4), st.data())
def test_whatever_lists_come_a_second_time_changes_nothing_and_the_tree_stays_whole(
    several: list[list[ListedRow]], data: st.DataObject
) -> None:
    registry: Registry = {}
    for rows in several:
        occupied = frozenset(one for one in registry if data.draw(st.booleans()))
        registry, plan = imported(*rows, into=registry, occupied=occupied)
        assert not plan.report.rejected
        again, second = imported(*rows, into=registry, occupied=occupied)
        assert second.report.changes_nothing
        assert again == registry
        for node in registry.values():
            above = None if node.parent is None else registry[AgencyId(int(node.parent))]
            assert above is None or above.is_open or not node.is_open
            assert node.key not in occupied or node.is_open or node.listed_name is None
        assert {one.oid for one in rows} <= {node.oid for node in registry.values() if node.is_open}


def test_history_is_read_with_its_dates() -> None:
    found = read_history((DATA / "change.csv").read_bytes())
    assert len(found.pairs) == 24
    assert found.pairs[0].until == date(2016, 1, 15)
    header = "old_name,new_name,old_oid,new_oid,change_date,ref\n"
    lines = f"甲,乙,{A},{A}1,105/1/2,\n甲,乙,{A},{A}1,昨天,\n甲,乙,x,{A}1,,\n甲,,{A},{A}1,,\n甲,乙\n"
    found = read_history((header + lines).encode())
    assert [pair.until for pair in found.pairs] == [date(2016, 1, 2)]
    assert [(one.line, one.reason) for one in found.rejected] == [
        (3, "date_malformed"),
        (4, "oid_malformed"),
        (5, "name_missing"),
        (6, "number_of_cells"),
    ]
