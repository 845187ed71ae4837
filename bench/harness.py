"""What every benchmark shares: percentiles, the machine it ran on, and the result file.

A benchmark is a file in this folder with a `main()`; it measures its yardstick in the same run, and ends with
`report(...)`. `make bench` runs all of them, `make bench NAME=agency_search` one.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hufu_registry.bootstrap import SqlServices
from hufu_registry.migrating import upgrade
from hufu_stack.demo import registry_of
from hufu_stack.layout import Profile, profile
from hufu_stack.stack import Stack

RESULTS = Path(__file__).parent / "results"
Aim = tuple[str, float]
COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": lambda figure, limit: figure <= limit,
    ">=": lambda figure, limit: figure >= limit,
}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 1).__trunc__() - 1)]


def seconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def report(name: str, figures: Mapping[str, float], aims: Mapping[str, Aim]) -> bool:
    """Write bench/results/NAME.json and tell it; whether every aim is met."""
    met = all(COMPARE[sign](figures[key], limit) for key, (sign, limit) in aims.items())
    result = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": {key: round(value, 4) for key, value in figures.items()},
        "aims": {key: list(aim) for key, aim in aims.items()},
        "met": met,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: {'met' if met else 'NOT MET'}")
    for key, value in figures.items():
        aim = f"  (aim {aims[key][0]} {aims[key][1]:g})" if key in aims else ""
        print(f"  {key}: {value:,.4g}{aim}")
    return met


def finish(*, met: bool) -> None:
    """End a benchmark's process: 0 when its aims are met."""
    sys.exit(0 if met else 1)


@contextmanager
def empty_registry() -> Iterator[SqlServices]:
    """The registry on a durable PostgreSQL of its own, migrated and empty; gone afterwards."""
    own = profile("bench-registry", 9340)
    stack = Stack(own)
    stack.reset()
    stack.start(["postgres"])
    try:
        with migrated(own) as services:
            yield services
    finally:
        stack.reset()


@contextmanager
def migrated(profile: Profile) -> Iterator[SqlServices]:
    """The registry of a profile whose PostgreSQL runs, with today's schema."""
    services = registry_of(profile)
    try:
        upgrade(services.engine, services.keys)
        yield services
    finally:
        services.engine.dispose()
