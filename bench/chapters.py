"""What the figures mean, in words: one chapter of docs/performance.md for each benchmark. No number stands here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bench.chapter import Chapter, Chart, Row
from bench.sync_chapters import (
    CHANGE_SEEN,
    COMPARISON,
    DIRECTORY_PUSH,
    DISABLE,
    DISTANT_PUSH,
    IMPORT_BY_SYNC,
    OUTAGE,
    WORKER_COST,
)

HEAD = """\
# Performance

<!-- Made by bench/document.py from bench/results/*.json: `make performance` after a bench. Do not edit. -->

Every number on this page was printed by a benchmark in [bench/](../bench) and stands in its result file; words and
pictures are made from those files, and a test fails when they differ. `make bench` runs all of them,
`make bench NAME=push` one; both write this page anew at the end.

How to read it:

- **p50** is the middle: half of all values are no larger. **p95** is what 95 of 100 do not exceed.
- **Yardstick**: the cheapest thing that does something comparable, measured in the same run. Times differ from
  machine to machine and with what else runs; the ratio to the yardstick differs less. Compare ratios.
- **Aim**: what the project promises itself. In the pictures it is the black line; a bench that misses its aim fails.
- **MB** is 2²⁰ bytes.

One run each; servers, browser's part and benchmark share one machine and speak over loopback: no network in between,
and no more people than said. The agencies' list is the real one; people and mailboxes are made up."""


PUSH = Chapter(
    title="From approval to the activation link",
    text="""\
A manager presses 核准 in the console. The clock stops when the link in the caught mail answers 200: by then the worker
has written Active Directory and Keycloak, Keycloak has imported the account, the mail was sent and the link was
opened. One person after the other, so it says how long one waits, not how many go through. What the person does
afterwards is scripted over HTTP and stands apart.""",
    yardstick="the same press of the button until the console answers, which writes the registry only.",
    headline=("p95_s",),
    chart=Chart(
        "From approval to a link that answers",
        "seconds",
        (
            Row("p50", ("p50_s",)),
            Row("p95", ("p95_s",)),
            Row("slowest", ("max_s",)),
            Row("yardstick: console's answer, p50", ("yardstick_console_answer_p50_s",)),
            Row("activation, p50", ("activation_p50_s",)),
            Row("first sign-in, p50", ("first_sign_in_p50_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "people": "people approved one by one",
            "p50_s": "approval to link, the middle",
            "p95_s": "approval to link, p95",
            "max_s": "approval to link, the slowest",
            "activation_p50_s": "following the link to its end: password and OTP set",
            "first_sign_in_p50_s": "first sign-in to the console with password and OTP",
            "yardstick_console_answer_p50_s": "yardstick: from the button to the console's answer",
            "times_the_yardstick": "p50 divided by the yardstick",
        }
    ),
)

IMPORT = Chapter(
    title="Importing the agencies",
    text="""\
`hufu agencies import` of the government's list with codes and history, into an empty registry: every row checked, the
tree built, paths and search texts written, differences reported and audited. Then the same list again, which reads and
compares everything and writes nothing.""",
    yardstick="the same rows parsed and sent by COPY into a bare table of the same database, unchecked.",
    headline=("import_s",),
    chart=Chart(
        "Importing the government's list",
        "seconds",
        (
            Row("first import", ("import_s",)),
            Row("the same list again", ("second_import_s",)),
            Row("yardstick: bare COPY", ("yardstick_bare_copy_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "agencies": "rows of the list",
            "import_s": "first import",
            "second_import_s": "the same list once more: nothing changes (best of three)",
            "yardstick_bare_copy_s": "yardstick: bare COPY (best of five)",
            "times_the_yardstick": "first import divided by the yardstick",
        }
    ),
)

SEARCH = Chapter(
    title="Searching an agency",
    text="""\
The applicant's search window over the real list and made-up schools: names typed to the end, two letters from the
middle of a name, two words of a path, single letters, OIDs. Measured is the query for the first page of results with
their full paths, in the registry, without HTTP.""",
    yardstick="counting the rows that contain one word, which reads the same table once.",
    headline=("p95_ms",),
    chart=Chart(
        "Agency search, first page of results",
        "milliseconds",
        (
            Row("p50", ("p50_ms",)),
            Row("p95", ("p95_ms",)),
            Row("slowest", ("max_ms",)),
            Row("officials, p95", ("officials_p95_ms",)),
            Row("yardstick: one scan", ("yardstick_one_scan_ms",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "agencies": "agencies in the registry",
            "searches": "searches timed",
            "p50_ms": "applicant's search, the middle",
            "p95_ms": "applicant's search, p95",
            "max_ms": "applicant's search, the slowest",
            "officials_p95_ms": "the console's search, which also finds closed agencies, p95",
            "yardstick_one_scan_ms": "yardstick: one scan of the table, p50",
            "times_the_yardstick": "p95 divided by the yardstick",
        }
    ),
)

DEMO = Chapter(
    title="Starting the demo",
    text="""\
What `make demo` does once everything is installed. *Cold*: no folder; databases, directory, secrets, realm, agencies
and people are made, each person by applying, being approved and following the mailed link. *Warm*: stopped and started
again, the same steps find everything done. The stages follow one another and add up to the whole.""",
    yardstick="Keycloak's start alone in the same run: on an empty database (cold) and on its own data (warm).",
    headline=("cold_s", "warm_s"),
    chart=Chart(
        "Starting the demo",
        "seconds",
        (
            Row("cold, all", ("cold_s",)),
            Row("· servers", ("cold_servers_s",)),
            Row("· schema and realm", ("cold_schema_and_realm_s",)),
            Row("· our processes", ("cold_own_processes_s",)),
            Row("· agencies", ("cold_agencies_s",)),
            Row("· people", ("cold_people_s",)),
            Row("yardstick: Keycloak cold", ("yardstick_keycloak_cold_s",)),
            Row("warm, all", ("warm_s",)),
            Row("· servers", ("warm_servers_s",)),
            Row("yardstick: Keycloak warm", ("yardstick_keycloak_warm_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "cold_s": "cold start, from nothing to people who can sign in",
            "cold_servers_s": "PostgreSQL, Redis, directory, mail and Keycloak are up",
            "cold_schema_and_realm_s": "schema migrated, realm applied",
            "cold_own_processes_s": "our own processes are up",
            "cold_agencies_s": "agencies, schools and history imported",
            "cold_people_s": "people have applied, were approved and have activated their accounts",
            "warm_s": "warm start, all",
            "warm_servers_s": "the same servers, warm",
            "yardstick_keycloak_cold_s": "yardstick: Keycloak on an empty database",
            "yardstick_keycloak_warm_s": "yardstick: Keycloak on its own data",
            "cold_times_the_yardstick": "cold start divided by its yardstick",
            "warm_times_the_yardstick": "warm start divided by its yardstick",
        }
    ),
)

SERVERS = {
    "console": "console (gunicorn, two workers)",
    "proxy": "proxy (nginx, four workers)",
    "exports": "writer of exports",
    "worker": "worker",
    "relay": "relay",
    "scheduler": "scheduler",
    "sample": "sample application",
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "directory": "directory (Samba)",
    "mail": "mail catcher",
    "keycloak": "Keycloak",
}
OURS = ("console", "exports", "worker", "relay", "scheduler", "sample")

MEMORY = Chapter(
    title="Memory",
    text="""\
What each server holds after its start and after the same work: approvals pressed in the console by a manager who
opens queue and case before each, all of them brought to the directory, Keycloak and the mailboxes. Whole process
trees, counted as proportional set size (PSS): pages that several processes share count by their share, so figures may
be added up, and are lower on a machine where other Python or PostgreSQL processes run. *Growth* counts only memory
that is no file. In the first half of the work a process does everything for the first time; what it still grows by in
the second half is what work leaves behind, and there an aim finds leaks. Other people's servers fill caches as they
are set to, so their growth has no aim.""",
    yardstick="a bare Python interpreter that imported Flask.",
    headline=("ours_after_mb", "everything_after_mb"),
    chart=Chart(
        "Memory of each server (PSS)",
        "MB",
        tuple(Row(label, (f"{name}_start_mb", f"{name}_after_mb")) for name, label in SERVERS.items()),
        ("after the start", "after the work"),
    ),
    meanings=MappingProxyType(
        {
            "approvals": "approvals between the two looks",
            "console_pages": "pages of the console asked for meanwhile",
        }
        | {
            f"{name}_{when}_mb": f"{label}, {words}"
            for name, label in SERVERS.items()
            for when, words in (("start", "after the start"), ("after", "after the work"))
        }
        | {
            f"{name}_{half}_half_growth_mb": f"{SERVERS[name]}, growth in the {half} half of the work"
            for half in ("first", "second")
            for name in OURS
        }
        | {
            "ours_after_mb": "our processes together, after the work",
            "everything_after_mb": "all servers together, after the work",
            "yardstick_flask_mb": "yardstick: Python with Flask",
            "times_the_yardstick": "our processes divided by the yardstick",
        }
    ),
)

SOAK_MEMORY = Chapter(
    title="Memory while everything goes wrong",
    made_by="make soak",
    text="""\
Random stories of people's acts and failures on the real servers (`tests/soak`): directory, Keycloak, Redis,
PostgreSQL and further workers are killed and frozen, while the stack's own worker and relay live through all of it.
What those two hold must stay level: compared are the medians of the second and of the last quarter of the time,
without memory that is a file's.""",
    yardstick="a bare Python interpreter that imported Flask.",
    headline=("worker_growth_mb", "relay_growth_mb"),
    chart=Chart(
        "Memory in the second and in the last quarter",
        "MB",
        tuple(Row(name, (f"{name}_second_quarter_mb", f"{name}_last_quarter_mb")) for name in ("worker", "relay")),
        ("second quarter", "last quarter"),
    ),
    meanings=MappingProxyType(
        {
            "minutes": "minutes",
            "stories": "random stories told",
            "accounts": "accounts made meanwhile",
        }
        | {
            f"{name}_{when}_mb": f"{name}, {words}"
            for name in ("worker", "relay")
            for when, words in (
                ("second_quarter", "second quarter"),
                ("last_quarter", "last quarter"),
                ("growth", "growth from the second to the last quarter"),
            )
        }
        | {
            "yardstick_flask_mb": "yardstick: Python with Flask",
            "times_the_yardstick": "worker and relay in the last quarter divided by the yardstick",
        }
    ),
)

CHAPTERS: Mapping[str, Chapter] = MappingProxyType(
    {
        "push": PUSH,
        "directory_push": DIRECTORY_PUSH,
        "distant_push": DISTANT_PUSH,
        "worker_cost": WORKER_COST,
        "import_by_sync": IMPORT_BY_SYNC,
        "outage": OUTAGE,
        "comparison": COMPARISON,
        "change_seen": CHANGE_SEEN,
        "disable": DISABLE,
        "agencies_import": IMPORT,
        "agency_search": SEARCH,
        "demo_start": DEMO,
        "memory": MEMORY,
        "soak_memory": SOAK_MEMORY,
    }
)
