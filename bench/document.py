"""Writes docs/performance.md and its pictures from bench/results, and from nothing else.

Every figure a benchmark prints has its sentence in `bench/chapters.py`; one without is an error, and a sentence without
a figure too. A chapter whose benchmark has not been run says so. The same results make the same bytes, so that a test
can tell a stale document.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bench.chapter import Chapter, Chart
from bench.chapters import CHAPTERS, HEAD
from bench.harness import COMPARE, RESULTS

DOCS = Path(__file__).resolve().parents[1] / "docs"
# Okabe and Ito's colours, which every kind of sight tells apart; the series also differ in hatching.
COLOURS = ("#0072B2", "#E69F00")
HATCHES = ("", "///")
YARDSTICK, AIM = "#8c8c8c", "#000000"
FONT = "DejaVu Sans"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "hufu",
    "svg.fonttype": "none",
    "font.family": FONT,
    "font.size": 10,
    "hatch.color": "#ffffff",
}
WIDTH, ROW, FRAME, BAR = 7.5, 0.34, 1.1, 0.8
ROOM_FOR_WORDS, ROOM_BEFORE_AIM = 1.18, 0.7
UNITS = {"s": "s", "ms": "ms", "mb": "MB"}


@dataclass(frozen=True, slots=True)
class Result:
    """What bench/results/NAME.json says."""

    name: str
    date: str
    machine: str
    figures: Mapping[str, float]
    aims: Mapping[str, tuple[str, float]]
    met: bool


def read_result(path: Path) -> Result:
    """Raises KeyError or TypeError where something is missing or too much, ValueError where it contradicts itself."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    told["aims"] = {key: (sign, limit) for key, (sign, limit) in told["aims"].items()}
    result = Result(**told)
    if result.name != path.stem:
        raise ValueError(f"{path.name} is of {result.name}")
    if result.met != all(COMPARE[sign](result.figures[key], limit) for key, (sign, limit) in result.aims.items()):
        raise ValueError(f"{path.name}: `met` does not follow from figures and aims")
    return result


def read_results(folder: Path = RESULTS) -> dict[str, Result]:
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}


def number(value: float) -> str:
    """Three digits that count; whole numbers whole."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1
    return f"{value:.{digits}f}"


def unit(key: str) -> str:
    """The unit a figure's key ends with, or none."""
    return "/s" if key.endswith("_per_s") else UNITS.get(key.rpartition("_")[2], "")


def measured(key: str, value: float) -> str:
    return f"{number(value)} {unit(key)}".strip()


def aim_of(key: str, result: Result) -> str:
    if key not in result.aims:
        return ""
    sign, limit = result.aims[key]
    word = "met" if COMPARE[sign](result.figures[key], limit) else "**not met**"
    return f"{'≤' if sign == '<=' else '≥'} {measured(key, limit)}: {word}"


def table(chapter: Chapter, result: Result) -> list[str]:
    """Every figure with what it means; a figure nobody explains, or none printed, is an error."""
    if unknown := set(result.figures) ^ set(chapter.meanings):
        raise KeyError(f"{result.name}: figures and their meanings differ: {', '.join(sorted(unknown))}")
    lines = ["| figure | value | aim | what it means |", "|---|---:|---|---|"]
    for key, meaning in chapter.meanings.items():
        lines.append(f"| `{key}` | {measured(key, result.figures[key])} | {aim_of(key, result)} | {meaning} |")
    return lines


def picture_name(result: Result) -> str:
    return f"performance-{result.name.replace('_', '-')}.svg"


def section(chapter: Chapter, result: Result) -> list[str]:
    when = f"{result.date[:10]} {result.date[11:16]}"
    verdict = "All aims are met." if result.met else "**Not all aims are met.**"
    return [
        f"## {chapter.title}",
        "",
        chapter.text,
        "",
        f"![{chapter.chart.title}; the table below has the same figures](images/{picture_name(result)})",
        "",
        *table(chapter, result),
        "",
        f"{verdict} Yardstick: {chapter.yardstick}",
        "",
        f"Measured {when} UTC by `{run_by(chapter, result.name)}` on {result.machine}.",
        "",
    ]


def run_by(chapter: Chapter, name: str) -> str:
    return chapter.made_by or f"make bench NAME={name}"


def not_measured(chapter: Chapter, name: str) -> list[str]:
    return [
        f"## {chapter.title}",
        "",
        chapter.text,
        "",
        f"**Not measured yet** with this release: `{run_by(chapter, name)}`.",
        "",
    ]


def page(results: Mapping[str, Result]) -> str:
    """The whole document."""
    if unknown := set(results) - set(CHAPTERS):
        raise KeyError(f"results without a chapter: {', '.join(sorted(unknown))}")
    lines = [HEAD, "", "| what | figure | aim |", "|---|---:|---|"]
    lines += [
        f"| [{chapter.title}](#{anchor(chapter.title)}): {chapter.meanings[key]} "
        f"| {measured(key, results[name].figures[key])} | {aim_of(key, results[name])} |"
        for name, chapter in CHAPTERS.items()
        if name in results
        for key in chapter.headline
    ]
    lines += [
        f"| [{chapter.title}](#{anchor(chapter.title)}) | not measured yet | |"
        for name, chapter in CHAPTERS.items()
        if name not in results
    ]
    lines.append("")
    for name, chapter in CHAPTERS.items():
        lines += section(chapter, results[name]) if name in results else not_measured(chapter, name)
    return "\n".join(lines).rstrip() + "\n"


def anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def picture(chart: Chart, result: Result) -> bytes:
    """Lying bars with their figures, an aim as a black line across its bar."""
    many = len(chart.series)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, FRAME + ROW * many * len(chart.rows)), layout="constrained")
        axes = figure.add_subplot()
        ends = [
            bar(axes, place + (nth - (many - 1) / 2) * BAR / many, BAR / many, nth, key, result)
            for place, row in enumerate(chart.rows)
            for nth, key in enumerate(row.keys)
        ]
        axes.set_yticks(range(len(chart.rows)), [row.label for row in chart.rows])
        axes.invert_yaxis()
        axes.set_xlim(0, max(ends) * ROOM_FOR_WORDS)
        axes.set_xlabel(chart.unit)
        axes.set_title(chart.title, loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        if many > 1:
            patches = [Patch(label=name, **look(nth)) for nth, name in enumerate(chart.series)]
            figure.legend(handles=patches, loc="outside lower center", ncols=many, frameon=False)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None, "Title": chart.title})
    text = drawn.getvalue().decode().replace(f"'{FONT}'", f"'{FONT}', Verdana, sans-serif")
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines()).encode()


def look(series: int, *, yardstick: bool = False) -> dict[str, Any]:
    return {
        "facecolor": YARDSTICK if yardstick else COLOURS[series],
        "hatch": HATCHES[series],
        "edgecolor": "white",
    }


def bar(axes: Axes, middle: float, height: float, series: int, key: str, result: Result) -> float:
    """Draw a figure; where what is drawn ends."""
    value, words = result.figures[key], measured(key, result.figures[key])
    axes.barh(middle, value, height, **look(series, yardstick=key.startswith("yardstick")))
    if key not in result.aims:
        write(axes, words, value, middle)
        return value
    limit = result.aims[key][1]
    aim, end = f"aim {measured(key, limit)}", max(value, limit)
    axes.plot([limit, limit], [middle - height / 2, middle + height / 2], color=AIM, linewidth=2)
    if value < limit * ROOM_BEFORE_AIM:
        write(axes, words, value, middle)
        write(axes, aim, limit, middle)
    else:
        write(axes, f"{words} ({aim})", end, middle)
        end *= ROOM_FOR_WORDS
    return end


def write(axes: Axes, words: str, end: float, middle: float) -> None:
    axes.annotate(words, (end, middle), (4, 0), textcoords="offset points", va="center")


def files(results: Mapping[str, Result]) -> dict[str, bytes]:
    """Every file of the document by its path below docs/."""
    made = {"performance.md": page(results).encode()}
    for name, result in results.items():
        made[f"images/{picture_name(result)}"] = picture(CHAPTERS[name].chart, result)
    return made


def main() -> None:
    for name, content in files(read_results()).items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
