"""The tree of agencies and its names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.agencies.model import (
    AGENCY_CODE_SHAPE,
    OID_SHAPE,
    Agency,
    AgencyKind,
    Path,
    agency_id_of,
    derive,
    label,
)
from hufu_registry.agencies.model.naming import NAME, SEPARATOR, search_lines
from hufu_registry.agencies.use_cases.editing import checked_domain
from hufu_registry.kernel.errors import IllegalMove, Invalid
from hufu_registry.kernel.ids import AgencyId

Tree = dict[AgencyId, AgencyId | None]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Up to forty agencies with ids as PostgreSQL may give them; each below an earlier one, or at the top."""
    ids = draw(st.lists(st.integers(1, 100_000), min_size=1, max_size=40, unique=True))
    tree: Tree = {}
    for position, one in enumerate(ids):
        above = draw(st.one_of(st.none(), st.sampled_from(ids[:position]))) if position else None
        tree[AgencyId(one)] = None if above is None else AgencyId(above)
    return tree


def paths(tree: Tree) -> dict[AgencyId, Path]:
    nodes = {one: (parent, str(one), AgencyKind.AGENCY) for one, parent in tree.items()}
    return {one: place.path for one, place in derive(nodes).items()}


def walk_up(tree: Tree, start: AgencyId) -> list[AgencyId]:
    way = [start]
    while (above := tree[way[-1]]) is not None:
        way.append(above)
    return way


def moved(tree: Tree, one: AgencyId, parent: AgencyId) -> Tree:
    """A move as the use case does it: refused where the new parent stands below."""
    before = paths(tree)
    if before[one].covers(before[parent]):
        raise IllegalMove("move_would_be_circle")
    return tree | {one: parent}


@given(trees())
def test_the_path_is_the_walk_up_the_parents(tree: Tree) -> None:
    for one, path in paths(tree).items():
        assert list(path.ids) == list(reversed(walk_up(tree, one)))


@given(trees())
def test_scope_is_reachability(tree: Tree) -> None:
    all_paths = paths(tree)
    for upper in tree:
        for lower in tree:
            assert all_paths[upper].covers(all_paths[lower]) == (upper in walk_up(tree, lower))


@given(trees(), st.data())
def test_after_any_moves_both_still_hold_and_no_circle_is_made(tree: Tree, data: st.DataObject) -> None:
    for _ in range(5):
        one, parent = data.draw(st.sampled_from(sorted(tree))), data.draw(st.sampled_from(sorted(tree)))
        if one in walk_up(tree, parent):
            with pytest.raises(IllegalMove):
                moved(tree, one, parent)
            with pytest.raises(IllegalMove, match="tree_cycle"):
                paths(tree | {one: parent})
            continue
        tree = moved(tree, one, parent)
        for agency, path in paths(tree).items():
            assert list(path.ids) == list(reversed(walk_up(tree, agency)))


@given(st.integers(1, 2**62))
def test_a_label_says_the_id(number: int) -> None:
    assert agency_id_of(label(AgencyId(number))) == number


def test_a_scope_is_compared_by_labels_never_as_text() -> None:
    assert Path("a.b").covers(Path("a.b"))
    assert Path("a.b").covers(Path("a.b.c"))
    assert not Path("a.b").covers(Path("a.bc"))
    assert not Path("a.b").covers(Path("a"))


def test_people_of_a_unit_belong_to_the_nearest_agency_above() -> None:
    agency, unit = AgencyKind.AGENCY, AgencyKind.UNIT
    one, two, three, four = (AgencyId(number) for number in (1, 2, 3, 4))
    places = derive(
        {one: (None, "部", agency), two: (one, "署", agency), three: (two, "組", unit), four: (three, "科", unit)}
    )
    assert [places[place].home_id for place in (one, two, three, four)] == [one, two, two, two]
    assert places[four].full_name == SEPARATOR.join("部署組科")


def test_what_search_looks_at_begins_with_the_name_and_says_nothing_twice() -> None:
    assert search_lines("臺中市政府", ["台中市政府", "", "387000000A"]) == "\n臺中市政府\n387000000a\n"


@pytest.mark.parametrize("name", ["𠀋𪚥科", 'Kuo’s <b>室</b>, "甲" =1+1', "x" * 200, "e\u0301"])
def test_names_may_be_long_rare_and_full_of_signs(name: str) -> None:
    assert NAME.checked(f"\t{name}\u3000", "name") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("", "required"), ("\u3000\t", "required"), ("科" * 201, "too_long"), ("科\x00", "control_character")],
)
def test_names_that_are_none(name: str, fault: str) -> None:
    with pytest.raises(Invalid) as caught:
        NAME.checked(name, "name")
    assert caught.value.fields == {"name": fault}


def test_mail_domains_are_checked_and_written_as_the_network_writes_them() -> None:
    assert checked_domain(" @Mail.GOV.tw ") == "mail.gov.tw"
    assert checked_domain("臺北.台灣") == "xn--djrz40i.xn--kpry57d"
    for bad in ("tw", "a..tw", "-a.tw", "a_b.tw", "a b.tw", "a.tw/x", "x" * 64 + ".tw", "*.tw"):
        with pytest.raises(Invalid):
            checked_domain(bad)


def test_a_mailbox_fits_a_domain_and_what_is_below_it() -> None:
    one = AgencyId(1)
    agency = Agency(one, None, Path("1"), AgencyKind.AGENCY, "部", "部", None, None, one, mail_domains=("moi.gov.tw",))
    assert agency.accepts("a@moi.gov.tw")
    assert agency.accepts("a@NPA.MOI.GOV.TW")
    assert not agency.accepts("a@evilmoi.gov.tw")
    assert not agency.accepts("a@moi.gov.tw.example.org")


def test_oids_and_codes_by_their_shape() -> None:
    for oid in ("2.16.886.101.20003", "2.16.886.111.90010.90003.100901"):
        assert OID_SHAPE.match(oid)
    for oid in ("2.16.886.101", "2.16.886.102.1", "2.16.886.101.020003", "2.16.886.101.2x", "2.16.886.101.1\n"):
        assert not OID_SHAPE.fullmatch(oid)
    assert AGENCY_CODE_SHAPE.match("387000000A")
    assert AGENCY_CODE_SHAPE.match("A095A0000Q")
    assert not AGENCY_CODE_SHAPE.match("38700000A")
