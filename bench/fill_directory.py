"""Adds LDIF entries from standard input to a stopped Samba's database: `fill_directory.py SAM_LDB SMB_CONF`.

Run by Debian's own Python, which has Samba's modules; ours has not. Samba rewrites an index entry as a whole whenever
it grows, and some attributes have one value for everybody, so adding becomes slower with each account: 30 a second at
15,000. Hence those indices are switched off meanwhile, and made once at the end.
"""

from __future__ import annotations

import sys
from typing import Any

import ldb  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.param import LoadParm  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]

SAME_FOR_MANY = (
    "objectCategory",
    "primaryGroupID",
    "sAMAccountType",
    "userAccountControl",
    "givenName",
    "displayName",
    "sn",
)
INDEXED = 1
CHUNK = 10_000


def opened() -> Any:
    """The database as its own server sees it, which may change the schema; it need not survive a power failure."""
    parameters = LoadParm()
    parameters.load(sys.argv[2])
    parameters.set("dsdb:schema update allowed", "yes")
    return SamDB(sys.argv[1], lp=parameters, session_info=system_session(), flags=ldb.FLG_NOSYNC)


def set_indexed(*, indexed: bool) -> None:
    database = opened()
    for name in SAME_FOR_MANY:
        schema = database.get_schema_basedn()
        entry = database.search(schema, ldb.SCOPE_ONELEVEL, f"(lDAPDisplayName={name})", attrs=["searchFlags"])[0]
        flags = int(str(entry["searchFlags"][0]))
        change = ldb.Message(entry.dn)
        wanted = str(flags | INDEXED if indexed else flags & ~INDEXED)
        change["searchFlags"] = ldb.MessageElement(wanted, ldb.FLAG_MOD_REPLACE, "searchFlags")
        database.modify(change)
    database.set_schema_update_now()


def main() -> None:
    set_indexed(indexed=False)
    database = opened()
    database.transaction_start()
    for number, (_, entry) in enumerate(database.parse_ldif(sys.stdin.read()), 1):
        database.add(entry)
        if number % CHUNK == 0:
            database.transaction_commit()
            database.transaction_start()
    database.transaction_commit()
    set_indexed(indexed=True)
    opened()


if __name__ == "__main__":
    main()
