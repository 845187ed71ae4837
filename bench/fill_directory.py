"""Adds LDIF entries from standard input to a stopped Samba's database: `fill_directory.py SAM_LDB SMB_CONF`.

Run by Debian's own Python, which has Samba's modules; ours has not. Samba copies an index entry whenever it grows, in
case the one request fails, and an entry such as that of all users becomes long: ldbadd has 30 accounts a second at
15,000. All in one batch that succeeds or fails as a whole, hundreds.
"""

from __future__ import annotations

import sys

import ldb  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.param import LoadParm  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]

OPTIONS = ["batch_mode:1", "transaction_index_cache_size:200000"]


def main() -> None:
    parameters = LoadParm()
    parameters.load(sys.argv[2])
    database = SamDB(sys.argv[1], lp=parameters, session_info=system_session(), flags=ldb.FLG_NOSYNC, options=OPTIONS)
    database.transaction_start()
    for _, entry in database.parse_ldif(sys.stdin.read()):
        database.add(entry)
    database.transaction_commit()


if __name__ == "__main__":
    main()
