"""The chapters of docs/performance.md about the sync engine. No number stands here."""

from __future__ import annotations

from types import MappingProxyType

from bench.chapter import Chapter, Chart, Row

DIRECTORY_PUSH = Chapter(
    title="Many accounts at once",
    text="""\
Accounts that were approved, or imported, brought to Active Directory by the running worker beside relay, scheduler and
console, after a thousand others that warm all servers up. In each of four rounds, on one growing directory: entries
added by ldap3 alone, as many accounts by the worker, the same accounts into Keycloak alone, and as many others
complete, which is both targets at once. What the worker does besides adding an entry: it reads what is wanted, looks
whether somebody else's object has the name, reads the entry again, and records and audits it. Then a manager presses
核准 twenty times while a further bulk is on its way; the clock stops when the link in the caught mail answers. Mails go
out for these only.""",
    yardstick="the same entries, password included, added by ldap3 alone over as many connections as the worker has.",
    headline=("times_the_yardstick", "complete_of_directory", "approval_p95_s"),
    chart=Chart(
        "Accounts a second",
        "accounts a second",
        (
            Row("yardstick: ldap3 alone", ("yardstick_raw_per_s",)),
            Row("Active Directory", ("directory_per_s",)),
            Row("Keycloak", ("keycloak_per_s",)),
            Row("both, complete", ("complete_per_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "accounts": "accounts of each kind, in four rounds",
            "connections": "connections to the directory, the worker's and the yardstick's",
            "yardstick_raw_per_s": "yardstick: entries added a second",
            "directory_per_s": "accounts brought to Active Directory a second",
            "times_the_yardstick": "accounts a second in Active Directory divided by the yardstick",
            "keycloak_per_s": "the same accounts, now in Keycloak alone, a second: user, group, membership",
            "complete_per_s": "accounts brought to both a second",
            "complete_of_directory": "accounts a second complete divided by those in Active Directory alone",
            "approvals": "approvals pressed in the middle of the bulk",
            "approval_p50_s": "approval to link in the middle of the bulk, the middle",
            "approval_p95_s": "approval to link in the middle of the bulk, p95",
            "approval_max_s": "approval to link in the middle of the bulk, the slowest",
            "bulk_left_after_approvals": "rows of the bulk that still waited when the last link had answered",
        }
    ),
)

DISTANT_PUSH = Chapter(
    title="Many accounts at once, 10 ms away",
    text="""\
The rounds of the chapter before, with both targets so far away that every request of worker and yardstick arrives 10 ms
later. A worker that asked for each account by itself would wait longer than it works.""",
    yardstick="the same entries, added by ldap3 alone from as far away, over as many connections as the worker has.",
    headline=("times_the_yardstick",),
    chart=Chart(
        "Accounts a second, 10 ms away",
        "accounts a second",
        (
            Row("yardstick: ldap3 alone", ("yardstick_raw_per_s",)),
            Row("Active Directory", ("directory_per_s",)),
            Row("Keycloak", ("keycloak_per_s",)),
            Row("both, complete", ("complete_per_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "accounts": "accounts of each kind, in two rounds",
            "connections": "connections to the directory, the worker's and the yardstick's",
            "round_trip_ms": "what each request waits (ms)",
            "yardstick_raw_per_s": "yardstick: entries added a second",
            "directory_per_s": "accounts brought to Active Directory a second",
            "times_the_yardstick": "accounts a second in Active Directory divided by the yardstick",
            "keycloak_per_s": "the same accounts, now in Keycloak alone, a second: user, group, membership",
            "complete_per_s": "accounts brought to both a second",
            "complete_of_yardstick": "accounts a second complete divided by the yardstick",
        }
    ),
)

WORKER_COST = Chapter(
    title="What an account costs the worker",
    text="""\
CPU of the worker's own code where its targets answer at once: a thousand accounts into both targets, then with another
title, then once more with nothing to change, on a real PostgreSQL and the tests' fakes of the targets. The fakes'
own CPU is left out, and PostgreSQL's is its own.""",
    yardstick="the CPU of one transaction with one empty statement on the same engine.",
    headline=("made_ms",),
    chart=Chart(
        "CPU of an account, both targets",
        "milliseconds",
        (
            Row("made", ("made_ms",)),
            Row("changed", ("changed_ms",)),
            Row("nothing to change", ("unchanged_ms",)),
            Row("yardstick: empty transaction", ("yardstick_empty_transaction_ms",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "accounts": "accounts, each in both targets",
            "batch_rows": "rows that a lane takes at once",
            "made_ms": "an account made in both targets",
            "changed_ms": "an account with a new title in both targets",
            "unchanged_ms": "an account that is looked at in both targets, and is right",
            "yardstick_empty_transaction_ms": "yardstick: an empty transaction",
            "times_the_yardstick": "an account made, divided by the yardstick",
        }
    ),
)

IMPORT_BY_SYNC = Chapter(
    title="How Keycloak gets to know many accounts",
    text="""\
Keycloak imports an account of Active Directory when it is looked up by name, or all of them when its federation is
synchronised; the worker needs each one's id, so after a synchronisation it still looks each up. The worker looks up
by name and synchronises nothing, so that has to be the better way.""",
    yardstick="synchronising the federation, then the look-ups.",
    headline=("times_the_yardstick",),
    chart=Chart(
        "Accounts that Keycloak gets to know a second",
        "accounts a second",
        (
            Row("looked up one by one", ("lookup_per_s",)),
            Row("yardstick: synchronised, looked up", ("yardstick_sync_and_lookup_per_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "accounts": "accounts brought in by each way",
            "connections": "connections to Keycloak",
            "lookup_per_s": "accounts a second that a look-up by name imports",
            "sync_alone_per_s": "accounts a second by the synchronisation alone",
            "lookup_of_known_per_s": "look-ups a second of accounts that are known already",
            "sync_nothing_new_s": "a synchronisation of both thousands that finds nothing new",
            "yardstick_sync_and_lookup_per_s": "yardstick: accounts a second, synchronised and then looked up",
            "times_the_yardstick": "accounts a second by look-up divided by the yardstick",
        }
    ),
)

OUTAGE = Chapter(
    title="After an outage of Active Directory",
    text="""\
The directory of 20,000 accounts is killed, 10,000 of them get another title in ten groups one after the other, and
then the directory is started again; nobody does anything else. Measured from the moment it answers until all changes
are in it, which is read back from the directory itself.""",
    yardstick="the same attribute changed by ldap3 alone over as many connections as the worker has.",
    headline=("drained_of_bulk", "arrived"),
    chart=Chart(
        "Changes a second",
        "changes a second",
        (
            Row("yardstick: ldap3 alone", ("yardstick_raw_per_s",)),
            Row("worker, nothing was down", ("bulk_per_s",)),
            Row("worker, after the outage", ("drained_per_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "operations": "changes wanted while the directory was down",
            "waiting_when_back": "rows that waited when it was started again",
            "outage_noticed": "whether the worker had said that the target is away (1 is yes)",
            "drained_s": "from the directory's first answer to the last change",
            "drained_per_s": "changes a second after the outage",
            "bulk_per_s": "the same worker, changes a second while nothing was down",
            "drained_of_bulk": "changes a second after the outage divided by those while nothing was down",
            "arrived": "accounts that have their new title in the directory",
            "overtaken": "changes that were done after one wanted two groups later: those in hand when it went down, "
            "which come last so that one that hurts the directory cannot hold up the others",
            "yardstick_raw_per_s": "yardstick: changes a second",
            "times_the_yardstick": "changes a second after the outage divided by the yardstick",
        }
    ),
)

COMPARISON = Chapter(
    title="Comparing everybody",
    text="""\
`hufu sync compare ad` as an operator runs it, from the process's start to its end: every agency and account of Active
Directory read page by page, compared in every field with what the registry wants, and what differs listed. The
directories of 20,000 and 100,000 accounts in 2,000 agencies are made once and kept. *Nothing differs* is the first
run; then somebody else has changed one account in a hundred, and the state of one in a thousand, and exactly these
have to be found.""",
    yardstick="the same entries with the same attributes read by ldap3 alone.",
    headline=("100000_s", "100000_mb", "growth", "written_where_nothing_differs"),
    chart=Chart(
        "Comparing everybody in Active Directory",
        "seconds",
        (
            Row("20,000 accounts", ("20000_s",)),
            Row("· nothing differs", ("20000_nothing_differs_s",)),
            Row("· yardstick: bare reading", ("yardstick_20000_bare_read_s",)),
            Row("100,000 accounts", ("100000_s",)),
            Row("· nothing differs", ("100000_nothing_differs_s",)),
            Row("· yardstick: bare reading", ("yardstick_100000_bare_read_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            f"{prefix}{size}_{what}": f"{number} accounts: {words}"
            for size, number in (("20000", "20,000"), ("100000", "100,000"))
            for prefix, what, words in (
                ("", "s", "until all differences are listed"),
                ("", "mb", "most memory the process had"),
                ("", "found", "differences found"),
                ("", "nothing_differs_s", "where nothing differs"),
                ("", "nothing_differs_per_1000_s", "where nothing differs, seconds for 1,000 accounts"),
                ("yardstick_", "bare_read_s", "yardstick, bare reading"),
            )
        }
        | {
            "growth": "seconds an account at 100,000 divided by those at 20,000: 1 is linear",
            "written_where_nothing_differs": "rows of the registry and entries of the directory written in both runs "
            "where nothing differs, but for the run's own row and the record of who asked for it",
            "times_the_yardstick": "100,000 accounts divided by the yardstick",
        }
    ),
)

CHANGE_SEEN = Chapter(
    title="What somebody else changes in Active Directory",
    text="""\
Twenty accounts are changed in the directory by other means at random moments within three minutes, and the scheduler
process looks for changes by itself. It is seen when the drift stands in the registry, where the console lists it.""",
    yardstick="a bare search by ldap3 for what changed, right after the change.",
    headline=("p95_s",),
    chart=Chart(
        "From a change in Active Directory to the list of drift",
        "seconds",
        (Row("p50", ("p50_s",)), Row("p95", ("p95_s",)), Row("slowest", ("max_s",))),
    ),
    meanings=MappingProxyType(
        {
            "changes": "changes made by others",
            "p50_s": "until it is listed, the middle",
            "p95_s": "until it is listed, p95",
            "max_s": "until it is listed, the slowest",
            "yardstick_bare_search_s": "yardstick: a bare search for what changed, p50",
            "times_the_yardstick": "p50 divided by the yardstick",
        }
    ),
)

DISABLE = Chapter(
    title="From disabling to nobody signed in",
    text="""\
Somebody who is signed in is disabled. It is over for him when the sign-in server, asked by an application without
showing a page, no longer knows him, and when his right name and password are refused. One person after the other;
asked twenty times a second.""",
    yardstick="disabling in the registry alone.",
    headline=("sessions_ended_p95_s", "sign_in_refused_p95_s"),
    chart=Chart(
        "After disabling",
        "seconds",
        (
            Row("sessions ended, p50", ("sessions_ended_p50_s",)),
            Row("sessions ended, p95", ("sessions_ended_p95_s",)),
            Row("sign-in refused, p50", ("sign_in_refused_p50_s",)),
            Row("sign-in refused, p95", ("sign_in_refused_p95_s",)),
            Row("yardstick: registry alone, p50", ("yardstick_registry_only_p50_s",)),
        ),
    ),
    meanings=MappingProxyType(
        {
            "people": "people disabled one by one",
            "sessions_ended_p50_s": "until his sessions have ended, the middle",
            "sessions_ended_p95_s": "until his sessions have ended, p95",
            "sign_in_refused_p50_s": "until name and password are refused, the middle",
            "sign_in_refused_p95_s": "until name and password are refused, p95",
            "yardstick_registry_only_p50_s": "yardstick: disabling in the registry, p50",
            "times_the_yardstick": "sessions ended, p50, divided by the yardstick",
        }
    ),
)
