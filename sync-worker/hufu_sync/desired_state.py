"""What the registry says about objects, read in one snapshot: a few queries, however many objects there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.features import SqlWork
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Binding, Claimed
from hufu_registry.sync.model.desired import TargetSchema, may_sign_in
from hufu_registry.sync.model.naming import ou_names
from hufu_registry.sync.model.plan import Desired, Observed


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """What the wanted objects look like depends on this installation."""

    target: Target
    with_directory: bool
    schema: TargetSchema


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One object. `desired` is None where the target has nothing of it and needs nothing, or nothing can be done yet.

    `waits_for` is what has to be done first; with a `desired` beside it, that much can be done before. `parent_id` is
    the remote id of what the object was seen in last. `generation` is 0 where nobody holds the row. The queue holds
    a row back by itself while what it builds on is unfinished, and `queue_knows` of that. More of it may stand there
    than was noted where it was `in_flight`.
    """

    key: OutboxKey
    desired: Desired | None
    generation: int = 0
    remote_id: str | None = None
    parent_id: str | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    agency_id: AgencyId | None = None
    account: Account | None = None
    waits_for: OutboxKey | None = None
    queue_knows: bool = False
    in_flight: bool = False

    def written_to(self, observed: Observed | None) -> Mapping[str, str]:
        """What we wrote to this very object: nothing yet to one that has taken the place of ours."""
        return self.written if observed is not None and observed.remote_id == self.remote_id else {}


def read(work: SqlWork, claimed: Sequence[Claimed], config: TargetConfig) -> Mapping[OutboxKey, Snapshot]:
    """The rows that are still ours, with the generation that is wanted of each; `work` reads one snapshot."""
    generations = work.queue.generations(claimed)
    in_flight = {row.key for row in claimed if row.in_flight}
    snapshots = desired_of(work, list(generations), config, in_flight=in_flight)
    return {key: replace(snapshot, generation=generations[key]) for key, snapshot in snapshots.items()}


def desired_of(
    work: SqlWork,
    keys: Collection[OutboxKey],
    config: TargetConfig,
    *,
    written: bool = True,
    in_flight: Collection[OutboxKey] = (),
) -> Mapping[OutboxKey, Snapshot]:
    """What the registry wants of these objects in the config's target, in the order asked.

    `written` says whether the hashes of what we last wrote are read, too: many rows for each object. Of the `in_flight`
    ones something may stand there of which nothing was noted.
    """
    return _Reader(work, keys, config, written=written, in_flight=in_flight).snapshots(keys)


class _Reader:
    """All that a set of keys needs, read once."""

    def __init__(
        self,
        work: SqlWork,
        keys: Collection[OutboxKey],
        config: TargetConfig,
        *,
        written: bool,
        in_flight: Collection[OutboxKey],
    ) -> None:
        self._work = work
        self._config = config
        self._in_flight = in_flight
        accounts = [AccountId(UUID(key.object_id)) for key in keys if key.kind is Kind.ACCOUNT]
        asked = [AgencyId(int(key.object_id)) for key in keys if key.kind is Kind.AGENCY]
        self._accounts = work.accounts.several(accounts)
        homes = {account.agency_id for account in self._accounts.values()}
        units = {account.profile.unit_id for account in self._accounts.values() if account.profile.unit_id is not None}
        self._agencies = work.agencies.several({*asked, *homes, *units})
        parents = {self._agencies[agency_id].parent_id for agency_id in asked if agency_id in self._agencies} - {None}
        places = {self._key(Kind.AGENCY, agency_id) for agency_id in homes | parents if agency_id is not None}
        self._bindings = work.bindings.several({*keys, *places, *self._in_directory()})
        self._written = work.written_values.several(keys) if written else {}
        self._read_tree([self._agencies[agency_id] for agency_id in asked if agency_id in self._agencies])

    def _read_tree(self, asked: Sequence[Agency]) -> None:
        """Which of the agencies have to stand there, their names, and what stands in those that have to go."""
        self._needed = self._work.agency_tree.needed(self._config.target, [agency.path.text for agency in asked])
        parents = {agency.parent_id for agency in asked} if self._config.schema.names_agencies else set()
        self._names = {
            agency_id: name
            for siblings in self._work.agency_tree.siblings(parents)
            for agency_id, name in ou_names(siblings).items()
        }
        leaving = [self._binding(Kind.AGENCY, agency.id) for agency in asked if agency.path.text not in self._needed]
        self._standing = self._work.bindings.standing_in(
            self._config.target, [binding.remote_id for binding in leaving if binding is not None]
        )

    def _in_directory(self) -> Collection[OutboxKey]:
        """The accounts where Keycloak reads them from, and where they have to go before they go from Keycloak."""
        if self._config.target is not Target.KEYCLOAK or not self._config.with_directory:
            return ()
        return [OutboxKey(Target.AD, Kind.ACCOUNT, str(account.id)) for account in self._accounts.values()]

    def _is_in_directory(self, account: Account) -> bool:
        """Whether Keycloak reads it from there."""
        in_directory = OutboxKey(Target.AD, Kind.ACCOUNT, str(account.id))
        return bool(self._in_directory()) and in_directory in self._bindings

    def snapshots(self, keys: Collection[OutboxKey]) -> dict[OutboxKey, Snapshot]:
        return {key: self._of_account(key) if key.kind is Kind.ACCOUNT else self._of_agency(key) for key in keys}

    def _of_agency(self, key: OutboxKey) -> Snapshot:
        agency = self._agencies.get(AgencyId(int(key.object_id)))
        binding = self._bindings.get(key)
        if agency is None:
            return self._snapshot(key, None, None)
        if agency.path.text not in self._needed:
            if binding is None and key not in self._in_flight:
                return self._snapshot(key, None, agency)
            inside = None if binding is None else self._standing.get(binding.remote_id)
            if inside is not None:
                return self._snapshot(key, None, agency, waits_for=inside)
            place = None if binding is None else binding.parent_id
            gone = replace(self._agency_at(agency, place), exists=False)
            return self._snapshot(key, gone, agency)
        if agency.parent_id is None:
            return self._snapshot(key, self._agency_at(agency, None), agency)
        parent = self._binding(Kind.AGENCY, agency.parent_id)
        if parent is None:
            return self._snapshot(
                key, None, agency, waits_for=self._key(Kind.AGENCY, agency.parent_id), queue_knows=True
            )
        return self._snapshot(key, self._agency_at(agency, parent.remote_id), agency)

    def _agency_at(self, agency: Agency, place: str | None) -> Desired:
        return self._config.schema.agency(agency, self._names.get(agency.id, ""), place)

    def _of_account(self, key: OutboxKey) -> Snapshot:
        account = self._accounts.get(AccountId(UUID(key.object_id)))
        binding = self._bindings.get(key)
        if account is None:
            return self._snapshot(key, None, None)
        agency = self._agencies[account.agency_id]
        place = self._binding(Kind.AGENCY, agency.id)
        if account.state is AccountState.DELETED and binding is None:
            may_stand = key in self._in_flight
            if not (may_stand and place is not None and self._is_in_directory(account)):
                # Nobody ever used it, so it need not wait. In Keycloak it goes with its entry in the directory.
                goes = may_stand and not self._in_directory()
                gone = replace(self._account_at(account, agency, None), exists=False) if goes else None
                return self._snapshot(key, gone, agency, account)
        if self._is_over(account) and binding is not None:
            in_directory = OutboxKey(Target.AD, Kind.ACCOUNT, key.object_id)
            if in_directory != key and in_directory in self._bindings:
                return self._snapshot(key, None, agency, account, waits_for=in_directory)
            gone = replace(self._account_at(account, agency, binding.parent_id), exists=False)
            return self._snapshot(key, gone, agency, account)
        if place is not None:
            return self._snapshot(key, self._account_at(account, agency, place.remote_id), agency, account)
        agency_key = self._key(Kind.AGENCY, agency.id)
        if binding is None or may_sign_in(account):
            return self._snapshot(key, None, agency, account, waits_for=agency_key, queue_knows=True)
        # Taking away never waits: it is disabled where it stands, and moved later.
        disabled = self._account_at(account, agency, binding.parent_id)
        return self._snapshot(key, disabled, agency, account, waits_for=agency_key)

    def _account_at(self, account: Account, agency: Agency, place: str | None) -> Desired:
        unit_id = account.profile.unit_id
        unit_oid = "" if unit_id is None else self._agencies[unit_id].oid or ""
        wanted = self._config.schema.account(account, agency, unit_oid, place)
        in_directory = OutboxKey(Target.AD, Kind.ACCOUNT, str(account.id))
        source = self._bindings.get(in_directory) if self._config.target is Target.KEYCLOAK else None
        return replace(wanted, source=None if source is None else source.remote_id)

    def _is_over(self, account: Account) -> bool:
        """Whether a deleted account has waited long enough to be removed from the targets."""
        deleted_at = account.deleted_at
        if account.state is not AccountState.DELETED or deleted_at is None:
            return False
        return deleted_at + self._work.policy.deletion_wait <= self._work.now

    def _key(self, kind: Kind, object_id: object) -> OutboxKey:
        return OutboxKey(self._config.target, kind, str(object_id))

    def _binding(self, kind: Kind, object_id: object) -> Binding | None:
        return self._bindings.get(self._key(kind, object_id))

    def _snapshot(
        self,
        key: OutboxKey,
        desired: Desired | None,
        agency: Agency | None,
        account: Account | None = None,
        *,
        waits_for: OutboxKey | None = None,
        queue_knows: bool = False,
    ) -> Snapshot:
        binding = self._bindings.get(key)
        return Snapshot(
            key=key,
            desired=desired,
            remote_id=None if binding is None else binding.remote_id,
            parent_id=None if binding is None else binding.parent_id,
            written=self._written.get(key, {}),
            agency_id=None if agency is None else agency.id,
            account=account,
            waits_for=waits_for,
            queue_knows=queue_knows,
            in_flight=key in self._in_flight,
        )
