"""What a new feature may be called, and where its words and its line go. That it stands: tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from hufu_stack.feature import (
    CATALOG,
    COMPOSITIONS,
    FeatureNameError,
    composed,
    names_of,
    told,
    with_words,
    write_feature,
)
from hufu_stack.layout import PROJECT


@pytest.mark.parametrize(
    ("feature", "word", "why"),
    [
        ("", "參訪", "no name of a feature"),
        ("Visits", "參訪", "no name of a feature"),
        ("visits-2", "參訪", "no name of a feature"),
        ("2visits", "參訪", "no name of a feature"),
        ("../visits", "參訪", "no name of a feature"),
        ("visits_", "參訪", "no name of a feature"),
        ("v" * 31, "參訪", "no name of a feature"),
        ("visits", "", "Chinese"),
        ("visits", "visits", "Chinese"),
        ("visits", '參"訪', "Chinese"),
        ("class", "參訪", "reserved"),
        ("imports", "參訪", "reserved"),
        ("effects", "參訪", "reserved"),
        ("kernel", "參訪", "exists already"),
        ("settings", "參訪", "exists already"),
        ("guard", "參訪", "exists already"),
        ("components", "參訪", "exists already"),
        ("drafts", "參訪", "a table drafts"),
        ("me", "參訪", "an address /me"),
        ("trues", "參訪", "reserved"),
        ("falses", "參訪", "reserved"),
        ("nones", "參訪", "reserved"),
        ("tools", "參訪", "reserved"),
        ("connection", "參訪", "reserved"),
        ("deciders_changed", "參訪", "reserved"),
        ("flush", "參訪", "reserved"),
        ("ids", "參訪", "reserved"),
        ("properties", "參訪", "reserved"),
        ("agencys", "參訪", "no name for code"),
    ],
)
def test_what_a_feature_cannot_be_called_is_said_and_nothing_is_written(feature: str, word: str, why: str) -> None:
    before = {one.file: (PROJECT / one.file).read_bytes() for one in COMPOSITIONS}
    with pytest.raises(FeatureNameError, match=why):
        write_feature(feature, word)
    assert before == {one.file: (PROJECT / one.file).read_bytes() for one in COMPOSITIONS}


@pytest.mark.parametrize(
    ("feature", "one", "class_name", "address"),
    [
        ("visits", "visit", "Visit", "visits"),
        ("meeting_rooms", "meeting_room", "MeetingRoom", "meeting-rooms"),
        ("injuries", "injury", "Injury", "injuries"),
        # Nothing is called the same as all of them.
        ("staff", "staff_entry", "StaffEntry", "staff"),
        ("glass", "glass_entry", "GlassEntry", "glass"),
    ],
)
def test_one_is_called_by_the_singular(feature: str, one: str, class_name: str, address: str) -> None:
    names = names_of(feature, "參訪")
    assert (names["one"], names["One"], names["address"]) == (one, class_name, address)


def test_words_come_where_the_catalog_has_them_and_known_ones_stay() -> None:
    catalog = (PROJECT / CATALOG).read_text()
    assert with_words(catalog, 'msgid "Agency"\nmsgstr "別的"\n') == catalog
    longer = with_words(catalog, 'msgid "Agency of nobody"\nmsgstr "無"\n')
    assert longer.replace('msgid "Agency of nobody"\nmsgstr "無"\n\n', "") == catalog
    assert longer.index('"Agency"') < longer.index('"Agency of nobody"') < longer.index('msgid "Back, change nothing"')


def test_the_architecture_tells_of_it_as_the_first() -> None:
    text = "`cases → guard → kernel`\n acts[cases → guard<br/>→ exports]\n"
    longer = "`visits → cases → guard → kernel`\n acts[visits → cases → guard<br/>→ exports]\n"
    assert told(text, ["cases", "guard"], "visits") == longer
    with pytest.raises(LookupError, match="architecture"):
        told(longer, ["cases", "guard"], "visits")


def test_a_composition_that_is_written_otherwise_is_told() -> None:
    with pytest.raises(LookupError, match=Path(COMPOSITIONS[0].file).name):
        composed("class SqlWork(Cases):\n", COMPOSITIONS[0], names_of("visits", "參訪"))
