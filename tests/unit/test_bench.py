"""The benchmarks' results and the document made from them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import harness, run
from bench.chapters import CHAPTERS
from bench.document import DOCS, files, measured, page, read_result, read_results
from bench.harness import RESULTS, percentile

KEYS = {"name", "date", "machine", "figures", "aims", "met"}
GOOD: dict[str, Any] = {
    "name": "push",
    "date": "2026-11-21T12:00:00+00:00",
    "machine": "one",
    "figures": {"p95_s": 4.0},
    "aims": {"p95_s": ["<=", 5]},
    "met": True,
}


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """The document and its pictures as today's results make them: drawing takes seconds."""
    return files(read_results())


def results() -> list[Path]:
    return sorted(RESULTS.glob("*.json"))


@pytest.mark.parametrize("path", results(), ids=lambda path: path.stem)
def test_a_result_says_everything(path: Path) -> None:
    told = json.loads(path.read_text())
    assert set(told) == KEYS
    assert datetime.fromisoformat(told["date"]).tzinfo is not None
    assert told["machine"]
    assert all(isinstance(value, int | float) for value in told["figures"].values())
    assert set(told["aims"]) <= set(told["figures"])
    assert told["aims"], "a bench without an aim promises nothing"
    assert any(key.startswith("yardstick") for key in told["figures"])
    assert any(key.endswith("times_the_yardstick") for key in told["figures"])
    read_result(path)


def test_every_benchmark_has_a_chapter_and_every_result_too() -> None:
    benchmarks = {path.stem for path in run.HERE.glob("*.py")} - run.SHARED
    assert benchmarks == {name for name, chapter in CHAPTERS.items() if not chapter.made_by}
    assert {path.stem for path in results()} <= set(CHAPTERS)


def test_a_figure_that_nobody_measured_is_said_to_be_missing() -> None:
    found = read_results()
    rest = {name: result for name, result in found.items() if name != "push"}
    assert "**Not measured yet** with this release: `make bench NAME=push`." in page(rest)
    assert set(files({"disable": found["disable"]})) == {"performance.md", "images/performance-disable.svg"}


def test_the_document_is_made_from_the_results(made: dict[str, bytes]) -> None:
    stale = [name for name, content in made.items() if (DOCS / name).read_bytes() != content]
    assert stale == [], "run `make performance`"
    pictures = {f"images/{path.name}" for path in (DOCS / "images").glob("performance-*.svg")}
    assert pictures == set(made) - {"performance.md"}


def test_another_figure_makes_another_document(made: dict[str, bytes]) -> None:
    found = read_results()
    push = found["push"]
    other = found | {"push": replace(push, figures=dict(push.figures) | {"p50_s": push.figures["p50_s"] + 1})}
    differ = {name for name, content in files(other).items() if content != made[name]}
    assert differ == {"performance.md", "images/performance-push.svg"}


@pytest.mark.parametrize("figures", [{"unheard_of": 1.0}, {}])
def test_a_figure_without_meaning_or_a_meaning_without_figure_is_an_error(figures: dict[str, float]) -> None:
    found = read_results()
    push = found["push"]
    kept = dict(list(push.figures.items())[1:])
    with pytest.raises(KeyError):
        page(found | {"push": replace(push, figures=kept | figures)})


def test_a_missed_aim_is_said() -> None:
    found = read_results()
    push = found["push"]
    slow = replace(push, figures=dict(push.figures) | {"p95_s": 60.0}, met=False)
    assert "≤ 5 s: **not met**" in page(found | {"push": slow})
    assert "**Not all aims are met.**" in page(found | {"push": slow})


@pytest.mark.parametrize(
    "change",
    [
        {"met": False},
        {"name": "pull"},
        {"figures": {"p95_s": 6.0}},
        {"figures": {}},
        {"more": 1},
    ],
)
def test_a_result_that_contradicts_itself_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "push.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_result(path)


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_a_result_with_something_missing_is_refused(missing: str, tmp_path: Path) -> None:
    path = tmp_path / "push.json"
    path.write_text(json.dumps({key: value for key, value in GOOD.items() if key != missing}))
    with pytest.raises((KeyError, TypeError)):
        read_result(path)


@pytest.mark.parametrize(("value", "met"), [(5.0, True), (5.1, False)])
def test_a_report_is_a_result(
    value: float, met: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    assert harness.report("push", {"p95_s": value}, {"p95_s": ("<=", 5)}) is met
    result = read_result(tmp_path / "push.json")
    assert (result.figures, result.aims, result.met) == ({"p95_s": value}, {"p95_s": ("<=", 5)}, met)
    assert "aim <= 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.95, 7),
        ([1, 2], 0.5, 1),
        ([3, 1, 2], 0.5, 2),
        (range(1, 101), 0.95, 95),
        (range(1, 31), 0.95, 29),
        (range(1, 11), 1, 10),
        (range(1, 11), 0, 1),
    ],
)
def test_percentile(values: Any, share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@given(st.lists(st.integers(), min_size=1), st.floats(min_value=0, max_value=1))
def test_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], share: float) -> None:
    found = percentile(values, share)
    needed = len(values) * share
    assert found in values
    assert sum(value <= found for value in values) >= needed
    assert all(sum(each <= value for each in values) < needed for value in values if value < found)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("agencies", 30579, "30,579"),
        ("p95_s", 1.3203, "1.32 s"),
        ("complete_per_s", 22.04, "22.0 /s"),
        ("yardstick_bare_copy_s", 0.0364, "0.036 s"),
        ("p95_ms", 19.211, "19.2 ms"),
        ("worker_start_mb", 108.24, "108.2 MB"),
        ("clock_growth_mb", -0.25, "-0.250 MB"),
    ],
)
def test_figures_are_written_with_their_unit(key: str, value: float, text: str) -> None:
    assert measured(key, value) == text
