"""Importing the real list of 8,262 agencies into an empty registry, again, and as a dry run.

Yardstick: the same rows parsed and sent by COPY into a bare table of the same database.
"""

from __future__ import annotations

import csv
import io

import sqlalchemy as sa

from bench.harness import empty_registry, finish, report, seconds
from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.use_cases import ImportList, import_list
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR

LIST = (DATA / "GDS_2019.csv").read_bytes()


def bare_copy(services: SqlServices) -> None:
    rows = list(csv.reader(io.StringIO(LIST.decode("utf-8-sig"))))[1:]
    with services.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE yardstick (name text, oid text, tel text, address text, dn text)"))
        cursor = connection.connection.cursor()
        with cursor.copy("COPY yardstick FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute(sa.text("DROP TABLE yardstick"))


def main() -> bool:
    whole = ImportList(
        LIST,
        codes_file=(DATA / "orgcode_2014.txt").read_bytes(),
        history_file=(DATA / "change.csv").read_bytes(),
    )
    with empty_registry() as services:
        yardstick = min(seconds(lambda: bare_copy(services)) for _ in range(5))
        first = seconds(lambda: import_list(whole, services, OPERATOR))
        again = min(seconds(lambda: import_list(whole, services, OPERATOR)) for _ in range(3))
    figures = {
        "agencies": 8_262,
        "import_s": first,
        "second_import_s": again,
        "yardstick_bare_copy_s": yardstick,
        "times_the_yardstick": first / yardstick,
    }
    return report("agencies_import", figures, {"import_s": ("<=", 10)})


if __name__ == "__main__":
    finish(met=main())
