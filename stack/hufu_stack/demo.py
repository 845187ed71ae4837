"""Fills the demo with people, through the same doors as everybody: codes, forms, decisions, mails, links."""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import requests

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.accounts.model import Profile as AccountProfile
from hufu_registry.bootstrap import SqlServices, build_services
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.model import Case, CaseState
from hufu_registry.cases.types.activation import ACTIVATION, Application
from hufu_registry.kernel.actor import Actor, account_actor, applicant_actor
from hufu_registry.kernel.errors import HufuError, RateLimited
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, mailbox_key, request_code
from hufu_registry.rights.use_cases import appoint_manager
from hufu_registry.settings import RegistrySettings
from hufu_stack import person
from hufu_stack.demo_people import (
    APPLICANTS,
    FIRST,
    MANAGERS,
    OFFICIALS,
    REFUSAL,
    REFUSED,
    USER,
    Resident,
)
from hufu_stack.endpoints import Person, read_people, write_endpoints, write_people
from hufu_stack.environment import environment
from hufu_stack.layout import PROFILES, PROJECT, Profile
from hufu_stack.secret_files import new_password
from hufu_stack.server import ServerError
from hufu_stack.stack import Report, Stack, StepError

LANGUAGE = "zh_Hant_TW"
PATIENCE = 120.0
DATA = PROJECT / "registry" / "hufu_registry" / "agencies" / "data"
ACTION_LINK = "/login-actions/action-token"
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
PLACE = "127.0.0.1"
AT_ONCE = 50
Found = TypeVar("Found")


class WaitedInVainError(Exception):
    """Something that should have come did not."""


def seed(stack: Stack, report: Report) -> None:
    """Make what is missing of the demo's agencies and people; what is there is kept."""
    try:
        _seed(stack, report)
    except (HufuError, person.PersonError, WaitedInVainError) as fault:
        # Whatever people wait for passes through the worker, so its log tells most.
        raise ServerError(stack.server("worker"), f"seeding stopped: {fault}") from fault


def _seed(stack: Stack, report: Report) -> None:
    settlement = Settlement(stack.profile, registry_of(stack.profile))
    if settlement.agency(FIRST.agency_oid) is None:
        import_agencies(stack, report)
    if settlement.account(FIRST) is None:
        stack.run("registry", "hufu", "system-manager", "create", *_options_of(FIRST))
    settlement.activate([FIRST])
    report(f"system manager {FIRST.username} is active")
    settlement.settle(MANAGERS, decider=FIRST)
    for resident in MANAGERS:
        settlement.appoint(resident)
    report(f"{len(MANAGERS)} managers are active")
    settlement.settle(OFFICIALS)
    report(f"{len(OFFICIALS)} officials are active")
    settlement.apply([*APPLICANTS, REFUSED])
    settlement.refuse(REFUSED, REFUSAL)
    write_endpoints(stack.profile)
    report(f"{len(APPLICANTS)} cases are open")


def import_agencies(stack: Stack, report: Report) -> None:
    """Import the government's list, the made-up schools, and the history."""
    for name in ("GDS_2019.csv", "schools_made_up.csv"):
        stack.run("registry", "hufu", "agencies", "import", str(DATA / name))
    stack.run("registry", "hufu", "agencies", "history", str(DATA / "change.csv"))
    report("agencies are imported")


def registry_of(profile: Profile) -> SqlServices:
    variables = environment(profile, "registry")
    settings: dict[str, Any] = {name.removeprefix("HUFU_").lower(): value for name, value in variables.items()}
    return build_services(RegistrySettings(**settings))


def _options_of(resident: Resident) -> list[str]:
    return [
        f"--account-name={resident.username}",
        f"--name={resident.name}",
        f"--mailbox={resident.mailbox}",
        f"--agency={resident.agency_oid}",
    ]


class Settlement:
    """Brings people through the whole story; each step looks first whether it was done before."""

    def __init__(self, profile: Profile, services: SqlServices) -> None:
        self._profile = profile
        self._services = services
        self._people = {someone.username: someone for someone in read_people(profile)}

    def agency(self, oid: str) -> Any:
        with self._services.begin() as work:
            return work.agencies.find_by_oid(oid)

    def account(self, resident: Resident) -> Account | None:
        with self._services.begin() as work:
            return work.accounts.find_by_name(resident.username)

    def _case(self, resident: Resident) -> Case | None:
        with self._services.begin() as work:
            return work.cases.newest_of_mailbox(mailbox_key(self._services, resident.mailbox))

    def settle(self, residents: Sequence[Resident], *, decider: Resident | None = None) -> None:
        """Let them apply, have them approved, and activate them."""
        self.apply(residents)
        for resident in residents:
            if self.account(resident) is None:
                self.approve(resident, decider or _manager_of(resident))
        self.activate(residents)

    def apply(self, residents: Iterable[Resident]) -> None:
        """Prove the mailboxes by the mailed codes and send the forms."""
        without = [resident for resident in residents if self._case(resident) is None]
        # So many mailboxes that nobody proved yet may wait for one network.
        for first in range(0, len(without), AT_ONCE):
            self._apply(without[first : first + AT_ONCE])

    def _apply(self, without: Sequence[Resident]) -> None:
        browsers = {resident.username: secrets.token_urlsafe(32) for resident in without}
        actor = applicant_actor(PLACE)
        after = self._newest_mail()
        for resident in without:
            self._request_code(browsers[resident.username], resident.mailbox)
        for resident in without:
            code = awaited(f"the code for {resident.mailbox}", partial(self._code, resident, after))
            browser = browsers[resident.username]
            enter_code(EnterCode(browser, Purpose.APPLY, code), self._services, actor)
            sent = cases.FileCase(
                browser=browser,
                type=ACTIVATION.name,
                form=self._application(resident),
                consent=CURRENT.version,
                form_key=resident.username,
                language=LANGUAGE,
            )
            cases.file_case(sent, self._services, actor)

    def _request_code(self, browser: str, mailbox: str) -> None:
        wish = RequestCode(browser, Purpose.APPLY, mailbox, LANGUAGE)
        try:
            request_code(wish, self._services, applicant_actor(PLACE))
        except RateLimited as fault:  # a seeding that was broken off asked just before
            time.sleep(float(str(fault.context.get("seconds", 0))) + 1)
            request_code(wish, self._services, applicant_actor(PLACE))

    def _application(self, resident: Resident) -> Application:
        agency = self.agency(resident.agency_oid)
        return Application(
            account_name=resident.username,
            agency_id=agency.id,
            profile=AccountProfile(
                name=resident.name,
                title=resident.title,
                unit_name=resident.unit_name,
                phone=f"02-0000{resident.number:04}",
                extension=str(100 + resident.number),
                mobile=f"090000{resident.number:04}",
            ),
            reason="新進人員，業務需要使用公務系統。",
        )

    def approve(self, resident: Resident, decider: Resident) -> None:
        case = self.pending(resident)
        command = cases.Approve(case.id, case.version)
        cases.approve(command, self._services, self._actor(decider))

    def refuse(self, resident: Resident, reason: str) -> None:
        case = self._case(resident)
        if case is not None and case.state is CaseState.PENDING:
            decider = self._actor(_manager_of(resident))
            cases.reject(cases.Reject(case.id, case.version, reason), self._services, decider)

    def appoint(self, resident: Resident) -> None:
        account, agency = self._existing(resident), self.agency(resident.agency_oid)
        with self._services.begin() as work:
            if work.grants.of(account.id).grants:
                return
        appoint_manager(
            account.id,
            agency.id,
            self._services,
            self._actor(FIRST),
            with_subordinates=resident.role.with_subordinates,
        )

    def activate(self, residents: Iterable[Resident]) -> None:
        """Follow the activation mails, and wait until the registry knows."""
        waiting = [each for each in residents if each.username not in self._people]
        for resident in waiting:
            if self._existing(resident).state is not AccountState.NOT_ACTIVATED:
                raise StepError(f"{resident.username} is active, but his password was lost: run `make demo-reset`")
            link = awaited(f"the activation mail of {resident.username}", partial(self._link, resident))
            password = f"{new_password(10)}-{resident.number:02}"
            secret = person.activate(link, password)
            self._people[resident.username] = Person(
                username=resident.username,
                name=resident.name,
                password=password,
                totp_secret=secret,
                role=resident.role.name,
                agency_oid=resident.agency_oid,
            )
            # Written at once: the password is nowhere else.
            write_people(self._profile, list(self._people.values()))
        for resident in waiting:
            awaited(f"the registry to see {resident.username} active", partial(self._enabled, resident))

    def _existing(self, resident: Resident) -> Account:
        account = self.account(resident)
        if account is None:
            raise StepError(f"{resident.username} has no account")
        return account

    def pending(self, resident: Resident) -> Case:
        case = self._case(resident)
        if case is None or case.state is not CaseState.PENDING:
            raise StepError(f"{resident.username} has no case to decide")
        return case

    def _actor(self, resident: Resident) -> Actor:
        return account_actor(self._existing(resident).id, PLACE)

    def _enabled(self, resident: Resident) -> bool:
        return self._existing(resident).state is AccountState.ENABLED

    def _mails(self, **query: str) -> list[dict[str, Any]]:
        address = f"{self._profile.url('mail-http')}/api/messages"
        mails: list[dict[str, Any]] = requests.get(address, params=query, timeout=10).json()
        return mails

    def _newest_mail(self) -> int:
        newest = self._mails(limit="1")
        return int(newest[0]["id"]) if newest else 0

    def _code(self, resident: Resident, after: int) -> str | None:
        for mail in self._mails(to=resident.mailbox):
            code = CODE.search(mail["text"])
            if mail["id"] > after and code:
                return code[0]
        return None

    def _link(self, resident: Resident) -> str | None:
        links = [link for mail in self._mails(to=resident.mailbox) for link in mail["links"]]
        return next((link for link in links if ACTION_LINK in link), None)


def awaited(what: str, look: Callable[[], Found | None]) -> Found:
    """Look until there is something, but not for ever."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise WaitedInVainError(f"waited {PATIENCE:.0f} s for {what}")


def _manager_of(resident: Resident) -> Resident:
    """Return a manager of his agency, else of the one above that has one."""
    oid = resident.agency_oid
    while oid:
        for manager in MANAGERS:
            if manager.agency_oid == oid:
                return manager
        oid = oid.rpartition(".")[0]
    return FIRST


def summary(profile: Profile) -> str:
    """Say where everything is, who can sign in, and what to try first."""
    people = read_people(profile)
    lines = [
        "",
        f"  申請帳號 Apply          {profile.url('console')}/apply",
        f"  管理介面 Console        {profile.url('console')}",
        f"  範例應用 Sample         {profile.url('sample')}",
        f"  攔下的信 Caught mail    {profile.url('mail-http')}",
        f"  Keycloak               {profile.url('keycloak')}/admin",
        f"    (admin, password in {_short(profile.secret('keycloak-admin-password'))})",
        f"  endpoints              {_short(PROFILES['demo'].endpoints_file)}",
        f"  logs                   {_short(profile.folder / 'logs')}",
        "",
    ]
    head = ("帳號 account", "姓名 name", "密碼 password", "OTP secret", "角色 role")
    rows = [
        (each.username, each.name, each.password, each.totp_secret, each.role)
        for each in sorted(people, key=lambda each: (each.role == USER.name, each.agency_oid))
    ]
    lines += [_row(head), *(_row(row) for row in rows), ""]
    lines += [
        "  What to try first:",
        "  1. Sign in to the sample application as mingwang and read what the token says.",
        f"     A one-time password: .venv/bin/hufu-stack --profile {profile.name} otp mingwang",
        "  2. Apply for an account of your own at 臺中市政府經濟發展局; the code is in the caught mail.",
        "  3. Sign in to the console as yschen (another browser profile), approve it, watch the steps,",
        "     then open the activation link in the caught mail.",
    ]
    if profile.directory_address is not None:
        folder = _short(profile.folder / "data" / "directory")
        lines += [
            "  4. As root, change a title in Active Directory as somebody else would; as sysmgr01, open",
            "     AD 同步管理作業 in the console and find it under 差異 within a minute:",
            f"     samba-tool user edit mingwang -H {folder}/dc/private/sam.ldb --configfile={folder}/hufu.conf",
        ]
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    widths = (14, 14, 16, 34, 0)
    return "  " + "".join(_padded(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _padded(text: str, width: int) -> str:
    # A Han character takes two columns of a terminal.
    columns = sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
    return text + " " * max(1, width - columns)


def _short(path: Path) -> str:
    return str(path.relative_to(PROJECT))
