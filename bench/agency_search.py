"""The applicant's search at 30,000 agencies: what people type, a letter here and an OID there, page by page.

Yardstick: counting the rows of the same table that contain one word, which reads the table once.
"""

from __future__ import annotations

import random
import time

import sqlalchemy as sa

from bench.harness import empty_registry, finish, percentile, report, seconds
from bench.made_up_agencies import made_up_list
from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.store import agencies, search
from hufu_registry.agencies.use_cases import ImportList, LinkHistory, import_list, link_history
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.paging import Page

SIZE = 30_000
SEARCHES = 600


def fill(services: SqlServices) -> int:
    import_list(ImportList((DATA / "GDS_2019.csv").read_bytes()), services, OPERATOR)
    link_history(LinkHistory((DATA / "change.csv").read_bytes()), services, OPERATOR)
    import_list(ImportList(made_up_list(SIZE - 8_262)), services, OPERATOR)
    with services.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(agencies)).scalar_one()


def queries(services: SqlServices) -> list[str]:
    """Names typed to the end, begun names, two words of a full name, single letters, codes and OIDs."""
    chance = random.Random(7)
    with services.read() as connection:
        rows = connection.execute(sa.select(agencies.c.name, agencies.c.full_name, agencies.c.oid)).all()
    made: list[str] = []
    for _ in range(SEARCHES):
        row, way = chance.choice(rows), chance.randrange(6)
        start = chance.randrange(max(1, len(row.name) - 2))
        above, _, _ = row.full_name.rpartition(" › ")
        made.append(
            (
                row.name,
                row.name[start : start + 2],
                f"{above.rpartition(' › ')[2][:4]} {row.name[-3:]}",
                row.name[:1],
                row.oid or row.name,
                f"台中 {row.name[-2:]}",
            )[way]
        )
    return made


def timed(services: SqlServices, words: list[str], *, applicants: bool) -> list[float]:
    today = taipei_date(services.clock.now())
    times = []
    with services.read() as connection:
        for text in words:
            start = time.perf_counter()
            search(connection, text, Page(), on=today, applicants=applicants)
            times.append((time.perf_counter() - start) * 1000)
    return times


def scan_once(services: SqlServices) -> None:
    count = sa.select(sa.func.count()).where(sa.func.strpos(agencies.c.search_text, "秘書室") > 0)
    with services.read() as connection:
        connection.execute(count)


def main() -> bool:
    with empty_registry() as services:
        size = fill(services)
        words = queries(services)
        timed(services, words[:50], applicants=True)
        yardstick = percentile([seconds(lambda: scan_once(services)) * 1000 for _ in range(20)], 0.5)
        applicants = timed(services, words, applicants=True)
        officials = timed(services, words, applicants=False)
    figures = {
        "agencies": size,
        "searches": len(words),
        "p50_ms": percentile(applicants, 0.5),
        "p95_ms": percentile(applicants, 0.95),
        "max_ms": max(applicants),
        "officials_p95_ms": percentile(officials, 0.95),
        "yardstick_one_scan_ms": yardstick,
        "times_the_yardstick": percentile(applicants, 0.95) / yardstick,
    }
    return report("agency_search", figures, {"p95_ms": ("<=", 50)})


if __name__ == "__main__":
    finish(met=main())
