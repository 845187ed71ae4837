"""Who takes part in the stories: managers made through the real doors, as in the demo, and applicants of made-up names."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.kernel.actor import OPERATOR
from hufu_stack.demo import DATA, Settlement, registry_of
from hufu_stack.demo_people import CULTURE, FIRE, FIRST, MANAGERS, Resident
from hufu_stack.endpoints import read_people
from hufu_stack.person import Authenticator
from hufu_stack.stack import Stack

DECIDERS = tuple(each for each in MANAGERS if each.agency_oid in (FIRE, CULTURE))
FIRE_MANAGER, SECOND_FIRE_MANAGER, CULTURE_MANAGER = DECIDERS[:3]
_numbers: Iterator[int] = itertools.count(1)
_run = secrets.token_hex(2)


@dataclass
class Insider:
    """Somebody who can sign in."""

    username: str
    name: str
    password: str
    authenticator: Authenticator


@dataclass
class Applicant:
    """Somebody with a mailbox who wants an account. Each is somebody else, also in a stack that is used again."""

    name: str = "王小明"
    title: str = "科員"
    search: str = "消防署"
    agency: str = "內政部消防署"
    oid: str = FIRE
    unit: str = "資訊室"
    phone: str = "02-00000001"
    extension: str = "101"
    mobile: str = ""
    reason: str = "公務人員，新進人員需要使用公務系統。"
    account_name: str = ""
    password: str = "Tally-of-the-tiger-88"
    totp_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.account_name = self.account_name or f"u{_run}{number:03}"
        self.mobile = self.mobile or f"0900{int(_run, 16) % 1000:03}{number:03}"

    @property
    def mailbox(self) -> str:
        return f"{self.account_name}@home.test"


class Town:
    """A stack with its agencies and managers, and what the registry knows."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.registry = registry_of(stack.profile)
        settle(stack, Settlement(stack.profile, self.registry))
        self.insiders = {
            person.username: Insider(person.username, person.name, person.password, Authenticator(person.totp_secret))
            for person in read_people(stack.profile)
        }

    def close(self) -> None:
        self.registry.engine.dispose()

    @property
    def console(self) -> str:
        return self.stack.profile.url("console")

    @property
    def sample(self) -> str:
        return self.stack.profile.url("sample")

    @property
    def mails(self) -> str:
        return f"{self.stack.profile.url('mail-http')}/api/messages"

    def insider(self, resident: Resident) -> Insider:
        return self.insiders[resident.username]

    def account(self, account_name: str) -> Account | None:
        with self.registry.begin(OPERATOR) as work:
            return work.accounts.find_by_name(account_name)

    def is_enabled(self, account_name: str) -> bool:
        account = self.account(account_name)
        return account is not None and account.state is AccountState.ENABLED


def settle(stack: Stack, settlement: Settlement) -> None:
    """Bring in the government's agencies, a system manager, and the managers; what is there is kept."""
    if settlement.agency(FIRST.agency_oid) is None:
        stack.run("registry", "hufu", "agencies", "import", str(DATA / "GDS_2019.csv"))
    if settlement.account(FIRST) is None:
        options = (FIRST.username, FIRST.name, FIRST.mailbox, FIRST.agency_oid)
        names = ("account-name", "name", "mailbox", "agency")
        given = [f"--{name}={option}" for name, option in zip(names, options, strict=True)]
        stack.run("registry", "hufu", "system-manager", "create", *given)
    settlement.activate([FIRST])
    settlement.settle(DECIDERS, decider=FIRST)
    for resident in DECIDERS:
        settlement.appoint(resident)
