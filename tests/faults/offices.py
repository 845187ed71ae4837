"""An office on a running stack: accounts approved into its registry, and what the real servers hold of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import ldap3
import requests
import sqlalchemy as sa

from hufu_registry.accounts.model import Account, AccountState, Profile
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId, PersonId
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_registry.sync.store import account_story
from hufu_registry.sync.use_cases import open_account
from hufu_stack.demo import DATA, registry_of
from hufu_stack.environment import environment
from hufu_stack.layout import PROJECT
from hufu_stack.server import base_environment
from hufu_stack.stack import Stack
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.keycloak import Keycloak
from tests.contract.settings import settings_of

AGENCY = "2.16.886.101.20003.20001.20003"
PATIENCE = 60.0
SHORT_LEASE = {"HUFU_LEASE_SECONDS": "6", "HUFU_CALL_SECONDS": "3"}


@dataclass
class Office:
    stack: Stack
    services: SqlServices
    keycloak: Keycloak
    directory: ActiveDirectory | None
    names: dict[AccountId, str] = field(default_factory=dict)

    def approve(self, oid: str = AGENCY) -> AccountId:
        """What approving a case does for its account."""
        with self.services.begin(SYSTEM) as work:
            agency = work.agencies.find_by_oid(oid)
            assert agency is not None
            name = f"f{uuid4().hex[:10]}"
            account = Account(
                id=AccountId(uuid4()),
                person_id=PersonId(uuid4()),
                account_name=name,
                agency_id=agency.id,
                agency_path=agency.path,
                profile=Profile(name="王小明", title="科員", phone="02-00000000", unit_name="秘書室"),
                mailbox=f"{name}@home.test",
                language="zh_Hant_TW",
                state=AccountState.NOT_ACTIVATED,
                created_at=work.now,
                approved_at=work.now,
            )
            open_account(work, self.services, account)
        self.names[account.id] = name
        return account.id

    def step(self, account_id: AccountId, name: StepName) -> tuple[StepState, Code | None]:
        with self.services.read() as connection:
            story = account_story(connection, account_id)
        return next((step.state, step.code) for step in story if step.step is name)

    def mail_is_sent(self, account_id: AccountId) -> bool:
        return self.step(account_id, StepName.MAIL)[0] is StepState.DONE

    def mails(self, account_id: AccountId) -> list[dict[str, Any]]:
        """The activation mails that really arrived."""
        url = f"http://127.0.0.1:{self.stack.profile.port('mail-http')}/api/messages"
        to = f"{self.names[account_id]}@home.test"
        return [mail for mail in requests.get(url, timeout=10).json() if to in mail["to"]]

    def records(self, account_id: AccountId) -> dict[str, int]:
        with self.services.read() as connection:
            rows = connection.execute(
                sa.select(audit_records.c.action, sa.func.count())
                .where(audit_records.c.object_id == str(account_id))
                .group_by(audit_records.c.action)
            )
            return dict(rows.all())

    def in_directory(self, account_id: AccountId) -> list[str]:
        """The DNs of every object that says it is this account, anywhere in the domain."""
        assert self.directory is not None
        found = self.directory._search(
            "DC=agency,DC=test", f"(employeeNumber={account_id})", ldap3.SUBTREE, ("employeeNumber",)
        )
        return [entry.dn for entry in found]

    def in_keycloak(self, account_id: AccountId) -> list[dict[str, Any]]:
        found = self.keycloak._get("users", search=self.names[account_id], briefRepresentation=False)
        return [user for user in found if user["attributes"]["account_id"] == [str(account_id)]]

    def groups(self, user_id: str) -> list[str]:
        return [group["name"] for group in self.keycloak._get(f"users/{user_id}/groups")]

    def close(self) -> None:
        self.services.engine.dispose()
        if self.directory is not None:
            self.directory.close()


@contextmanager
def office_on(stack: Stack) -> Iterator[Office]:
    services = registry_of(stack.profile)
    with services.begin(SYSTEM) as work:
        known = work.agencies.find_by_oid(AGENCY)
    if known is None:
        stack.run("registry", "hufu", "agencies", "import", str(DATA / "GDS_2019.csv"))
    settings = settings_of(stack)
    in_directory = settings.directory_settings()
    office = Office(
        stack,
        services,
        Keycloak(settings.keycloak_settings()),
        None if in_directory is None else ActiveDirectory(in_directory),
    )
    try:
        yield office
    finally:
        office.close()


def until(what: Callable[[], bool], patience: float = PATIENCE) -> float:
    """Wait until it is so; how long that took."""
    started = time.monotonic()
    while not what():
        assert time.monotonic() - started < patience, "it did not come about in time"
        time.sleep(0.1)
    return time.monotonic() - started


def crashing_worker(stack: Stack, *step: str) -> subprocess.Popen[bytes]:
    """In the place of the stack's worker, which must be stopped."""
    variables = base_environment() | environment(stack.profile, "worker") | SHORT_LEASE
    log = (stack.profile.folder / "logs" / "crashing-worker.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crashing_worker", *step],
            cwd=PROJECT,
            env={**variables, "PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]},
            stdout=log,
            stderr=log,
        )


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(10)
