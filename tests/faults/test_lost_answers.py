"""Requests that never arrive, answers that never come back, and writes that are applied after all: once each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from hufu_registry.kernel.ids import AccountId
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.processes import QUICK, running, without
from tests.kit.faults.proxy import Fault, Proxy, before_directory, before_keycloak
from tests.kit.faults.world import Office, office_on, until

LONGER_THAN_A_CALL = float(QUICK["HUFU_CALL_SECONDS"]) + 0.5


@dataclass
class Line:
    """An office whose worker reaches the servers through proxies; its officials stand everywhere."""

    office: Office
    proxies: dict[str, Proxy]
    officials: list[AccountId]


@pytest.fixture(scope="module")
def line(stack: Stack) -> Iterator[Line]:
    with office_on(stack) as office, ExitStack() as running_meanwhile:
        office.found("北", "南")
        office.appoint(1)
        officials = [office.approve("北") for _ in range(len(WRITES))]
        before = [office.approve("南"), *officials, *office.managers]
        until(lambda: all(office.mail_is_sent(account_id) for account_id in before))
        directory = running_meanwhile.enter_context(before_directory(stack.profile).running())
        keycloak = running_meanwhile.enter_context(before_keycloak(stack.profile).running())
        running_meanwhile.enter_context(without(stack, ["worker"]))
        addresses = {"HUFU_LDAP_URL": directory.url, "HUFU_KEYCLOAK_URL": keycloak.url}
        running_meanwhile.enter_context(running(stack, "worker", **addresses))
        yield Line(office, {"directory": directory, "keycloak": keycloak}, officials)


def approving(line: Line) -> AccountId:
    return line.office.approve("北")


def changing(line: Line) -> AccountId:
    account_id = line.officials.pop()
    line.office.change(account_id, title="專員")
    return account_id


def transferring(line: Line) -> AccountId:
    account_id = line.officials.pop()
    line.office.transfer(account_id, "南")
    return account_id


def disabling(line: Line) -> AccountId:
    account_id = line.officials.pop()
    line.office.disable(account_id)
    return account_id


MAIL = "PUT .*/execute-actions-email"
WRITES = [
    (act, server, request, fault)
    for act, server, request in (
        (approving, "directory", "^add (?!.*probe)"),
        (changing, "directory", "^modify (?!.*probe)"),
        (transferring, "directory", "^move (?!.*probe)"),
        (approving, "keycloak", "GET .*/users"),
        (approving, "keycloak", "PUT .*/users/.*/groups/"),
        (approving, "keycloak", MAIL),
        (disabling, "keycloak", "POST .*/logout"),
    )
    for fault in Fault
]


@pytest.mark.parametrize(
    ("act", "server", "request_", "fault"),
    WRITES,
    ids=lambda value: value.name if isinstance(value, Fault) else value if isinstance(value, str) else value.__name__,
)
def test_whatever_happens_to_a_request_it_comes_about_once(
    line: Line, act: Callable[[Line], AccountId], server: str, request_: str, fault: Fault
) -> None:
    office, proxy = line.office, line.proxies[server]
    hurt = proxy.hurt
    proxy.at_next(request_, fault)
    account_id = act(line)
    until(lambda: proxy.hurt > hurt)
    if fault in {Fault.FREEZE, Fault.HOLD}:
        # The worker has given up when the request, or its answer, goes on.
        time.sleep(LONGER_THAN_A_CALL)
    proxy.heal()
    until(lambda: office.is_done(account_id))
    assert len(office.in_directory(account_id)) == 1
    assert len(office.mails(account_id)) in ({1, 2} if request_ == MAIL and fault is not Fault.CUT else {1})


def test_after_all_lost_answers_registry_directory_and_keycloak_agree(line: Line) -> None:
    assert disagreements(line.office) == []
