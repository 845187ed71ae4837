"""Whether registry, Active Directory and Keycloak agree, object by object, and nothing was done twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Target
from hufu_registry.propagation.model import ActionKind, ActionState
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.sync.store.tables import drifts
from hufu_stack.layout import BASE_DN
from tests.kit.faults.independent_readers import Entry
from tests.kit.faults.world import Office

SIGNS_IN = {AccountState.NOT_ACTIVATED, AccountState.ENABLED}
REMEMBERED = 35.0
# What people's acts record; the rest of what is recorded of an account is the worker's.
PEOPLES = (
    "account.opened",
    "account.changed",
    "account.activated",
    "account.disabled",
    "account.restored",
    "account.deleted",
    "account.transferred",
    "account.activation_resent",
)
# Acts that were done; others were overtaken by a newer one of their kind, or by the account's state.
HAPPENED = sa.and_(one_time_actions.c.state == ActionState.DONE.value, one_time_actions.c.outcome != "merged")

Chain = Sequence[Agency]


def disagreements(office: Office) -> list[str]:
    """In words, what does not agree about everything founded here; empty when all is well.

    Keycloak remembers for half a minute what it read in the directory, unless it is told to forget that.
    """
    deadline = time.monotonic() + REMEMBERED
    while (found := list(_disagreements(office))) and time.monotonic() < deadline:
        time.sleep(1)
        office.keycloak.forget()
    return found


def _disagreements(office: Office) -> Iterator[str]:
    for row in office.waiting():
        yield f"left waiting: {row}"
    with office.services.begin(SYSTEM) as work:
        known = [work.accounts.get(account_id) for account_id in office.known_below("top")]
        founded = {agency_id: work.agencies.ancestors(agency_id) for agency_id in office.agencies.values()}
    # Accounts whose waiting time after deletion is over are not made here.
    needed = {
        target: {
            agency.id
            for account in known
            if _was_needed(office, account, target)
            for agency in founded[account.agency_id]
        }
        for target in (Target.AD, Target.KEYCLOAK)
    }
    in_directory = {} if office.directory is None else office.directory.of_accounts()
    for account in known:
        chain = founded[account.agency_id]
        entries = in_directory.get(str(account.id), [])
        users = office.in_keycloak(account.id)
        if office.directory is not None and _was_needed(office, account, Target.AD):
            yield from _in_directory(account, entries, chain)
        else:
            yield from (f"{account.account_name} (deleted) stands in AD: {entry.dn}" for entry in entries)
        if _was_needed(office, account, Target.KEYCLOAK):
            yield from _in_keycloak(account, users, chain[-1])
        else:
            # Whoever looks for it lets Keycloak read it from the directory.
            yield from (f"{account.account_name} (deleted) may sign in" for user in users if user["enabled"])
            users = []
        yield from _records(office, account, made_in_ad=len(entries), made_in_keycloak=len(users))
        yield from _mails(office, account)
    if office.directory is not None:
        yield from _units(office, founded, needed[Target.AD], {account.account_name for account in known})
    yield from _groups(office, founded, needed[Target.KEYCLOAK])


def _was_needed(office: Office, account: Account, target: Target) -> bool:
    """Deleted before it was made there, it is not made any more."""
    key = office.key(account.id, target)
    with office.services.begin(SYSTEM) as work:
        return account.state is not AccountState.DELETED or key in work.bindings.several([key])


def dn_of(chain: Chain) -> str:
    """The DN of an agency's OU, from the top down to it; names here need neither escaping nor cutting."""
    dn = BASE_DN
    for agency in chain:
        dn = f"OU={agency.name},{dn}"
    return dn


def _differing(what: str, wanted: Mapping[str, object], there: Mapping[str, object]) -> Iterator[str]:
    for name, value in wanted.items():
        if there.get(name) != value:
            yield f"{what}: {name} is {there.get(name)!r}, not {value!r}"


def _in_directory(account: Account, entries: Sequence[Entry], chain: Chain) -> Iterator[str]:
    what = f"{account.account_name} ({account.state.value}) in AD"
    if len(entries) != 1:
        yield f"{what}: there {len(entries)} times"
        return
    entry, agency, profile = entries[0], chain[-1], account.profile
    wanted = {
        "dn": f"CN={account.account_name},{dn_of(chain)}".casefold(),
        "enabled": account.state in SIGNS_IN,
        "adminDescription": f"hufu:account:{account.id}",
        "sAMAccountName": account.account_name,
        "displayName": profile.name,
        "title": profile.title,
        "department": profile.unit_name or None,
        "telephoneNumber": profile.phone,
        "company": agency.name,
        "departmentNumber": agency.oid,
    }
    yield from _differing(what, wanted, dict(entry.values) | {"dn": entry.dn.casefold(), "enabled": entry.enabled})


def _in_keycloak(account: Account, users: Sequence[Mapping[str, object]], agency: Agency) -> Iterator[str]:
    what = f"{account.account_name} ({account.state.value}) in Keycloak"
    if len(users) != 1:
        yield f"{what}: there {len(users)} times"
        return
    (user,) = users
    attributes = user["attributes"]
    assert isinstance(attributes, dict)
    wanted: dict[str, object] = {
        "username": account.account_name.lower(),
        "enabled": account.state in SIGNS_IN,
        "email": account.mailbox,
        "groups": [agency.oid],
        "display_name": account.profile.name,
        "title": account.profile.title,
    }
    yield from _differing(what, wanted, {name: value[0] for name, value in attributes.items()} | dict(user))


def _records(office: Office, account: Account, **made: int) -> Iterator[str]:
    """Each change has its record, and only one: what people did, what was made where, and each act."""
    there = Counter(office.records(account.id))
    expected = office.expected[account.id]
    wanted = {action: expected[action] for action in PEOPLES}
    wanted |= {f"account.{name}": count + expected[f"account.{name}"] for name, count in made.items()}
    with office.services.read() as connection:
        happened = connection.execute(
            sa.select(one_time_actions.c.kind, sa.func.count())
            .where(one_time_actions.c.account_id == account.id, HAPPENED)
            .group_by(one_time_actions.c.kind)
        )
        # That it was made again stands among what was made.
        done = {kind: count for kind, count in happened if kind != ActionKind.MAKE_AGAIN.value}
        wanted |= {f"account.{kind}": 0 for kind in ActionKind} | {f"account.{kind}": done[kind] for kind in done}
        waiting = connection.execute(
            sa.select(one_time_actions.c.kind).where(
                one_time_actions.c.account_id == account.id, one_time_actions.c.state == ActionState.WAITING.value
            )
        ).scalars()
        yield from (f"{account.account_name}: the act {kind} still waits" for kind in waiting)
        drifting = connection.execute(sa.select(drifts.c.field).where(drifts.c.object_id == str(account.id))).scalars()
        yield from (f"{account.account_name}: {name} drifts" for name in drifting)
    yield from _differing(f"records of {account.account_name}", wanted, {action: there[action] for action in wanted})


def _mails(office: Office, account: Account) -> Iterator[str]:
    """One for each act; more only where one that broke off in the middle was counted before it happened."""
    with office.services.read() as connection:
        tries = (
            connection.execute(
                sa.select(one_time_actions.c.times).where(
                    one_time_actions.c.account_id == account.id,
                    one_time_actions.c.kind == ActionKind.ACTIVATION_MAIL.value,
                    HAPPENED,
                )
            )
            .scalars()
            .all()
        )
    count = len(office.mails(account.id))
    if not len(tries) <= count <= sum(tries):
        yield f"{account.account_name}: {count} mails for {len(tries)} acts in {sum(tries)} tries"


def _units(office: Office, founded: Mapping[AgencyId, Chain], needed: set[AgencyId], names: set[str]) -> Iterator[str]:
    """The OUs are those of agencies with accounts at or below them; nothing else of ours stands in them."""
    assert office.directory is not None
    top = founded[office.agencies["top"]]
    there = {entry.dn.casefold(): entry for entry in office.directory.below(dn_of(top))}
    wanted = {dn_of(chain).casefold(): chain[-1] for agency_id, chain in founded.items() if agency_id in needed}
    ours = {dn for dn, entry in there.items() if entry.values.get("adminDescription", "").startswith("hufu:agency:")}
    yield from (f"the OU {dn} is missing" for dn in sorted(wanted.keys() - ours))
    yield from (f"the OU {dn} is too many" for dn in sorted(ours - wanted.keys()))
    for dn in wanted.keys() & ours:
        mark = f"hufu:agency:{wanted[dn].id}"
        yield from _differing(dn, {"adminDescription": mark, "description": wanted[dn].name}, there[dn].values)
    marks = [there[dn].values["adminDescription"] for dn in ours]
    yield from _records_of_agencies(office, founded, Target.AD, {int(mark.rpartition(":")[2]) for mark in marks})
    accounts = {entry.values["sAMAccountName"] for entry in there.values() if "sAMAccountName" in entry.values}
    yield from (f"{name} in AD is nobody's" for name in sorted(accounts - names))


def _groups(office: Office, founded: Mapping[AgencyId, Chain], needed: set[AgencyId]) -> Iterator[str]:
    standing = set()
    for agency_id, chain in founded.items():
        agency = chain[-1]
        assert agency.oid is not None
        group = office.keycloak.group(agency.oid)
        standing |= set() if group is None else {int(agency_id)}
        if agency_id not in needed:
            if group is not None:
                yield f"the group {agency.oid} is too many"
        elif group is None:
            yield f"the group {agency.oid} is missing"
        else:
            attributes = {name: value[0] for name, value in group["attributes"].items()}
            wanted = {"agency_oid": agency.oid, "agency_name": agency.name, "hufu_mark": f"hufu:agency:{agency.id}"}
            path = "/" + "/".join(str(above.oid) for above in chain)
            yield from _differing(f"the group {agency.oid}", wanted | {"path": path}, attributes | group)
    yield from _records_of_agencies(office, founded, Target.KEYCLOAK, standing)


def _records_of_agencies(
    office: Office, founded: Mapping[AgencyId, Chain], target: Target, standing: set[int]
) -> Iterator[str]:
    """Each was made as often as it was removed, and once more where it stands. Of one that was made by somebody who
    was killed before he could say so, and is needed no more, only the removal is told.
    """
    for agency_id in founded:
        told = office.records(agency_id)
        made, removed = (told.get(f"agency.{verb}_in_{target.value}", 0) for verb in ("made", "removed"))
        stands = int(agency_id in standing)
        again = office.expected[agency_id][f"agency.made_in_{target.value}"]
        if not stands <= made - again <= stands + removed:
            yield f"agency {agency_id} in {target.value}: {made} times made, {removed} times removed, stands: {stands}"


def bindings_of(office: Office, account_id: AccountId) -> tuple[str, str]:
    """What an account keeps wherever it moves: its objectGUID and its id in Keycloak."""
    assert office.directory is not None
    (entry,) = office.directory.of_account(account_id)
    (user,) = office.in_keycloak(account_id)
    return entry.guid, user["id"]
