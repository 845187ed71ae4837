"""From "approve" pressed to the activation link in the caught mail answering 200, over 30 people one by one.

Everything is real: the manager presses the button in the console, the worker writes the directory and Keycloak,
Keycloak mails. What a browser does afterwards (setting password and OTP, the first sign-in) is reported apart.

Yardstick: what the same approval costs the console alone, from the button to its answer.
"""

from __future__ import annotations

import time

import requests

from bench.harness import finish, percentile, report
from hufu_stack import person
from hufu_stack.demo import ACTION_LINK, Settlement, import_agencies, registry_of
from hufu_stack.demo_people import ECONOMY, FIRST, MANAGERS, Resident
from hufu_stack.endpoints import read_people
from hufu_stack.stack import Stack

PEOPLE = 30
PATIENCE = 60.0
MANAGER = MANAGERS[0]
PASSWORD = "Bench-Person-2026"


def settled(stack: Stack) -> Settlement:
    """A stack with one manager at one agency, and everybody's applications sent."""
    stack.reset()
    stack.up()
    import_agencies(stack, lambda _: None)
    settlement = Settlement(stack.profile, registry_of(stack.profile))
    options = (f"--account-name={FIRST.username}", f"--name={FIRST.name}", f"--mailbox={FIRST.mailbox}")
    stack.run("registry", "hufu", "system-manager", "create", *options, f"--agency={FIRST.agency_oid}")
    settlement.activate([FIRST])
    settlement.settle([MANAGER], decider=FIRST)
    settlement.appoint(MANAGER)
    return settlement


def applicants(count: int) -> list[Resident]:
    return [Resident(500 + n, f"pushed{n:03}", f"測試{n:03}", "科員", ECONOMY, "工業科") for n in range(count)]


def signed_in_manager(stack: Stack) -> requests.Session:
    someone = next(each for each in read_people(stack.profile) if each.username == MANAGER.username)
    session = person.new_session()
    person.sign_in(
        session, f"{stack.profile.url('console')}/cases", someone.username, someone.password, someone.totp_secret
    )
    return session


def press_approve(stack: Stack, session: requests.Session, settlement: Settlement, resident: Resident) -> float:
    """Open the case and press the button; how long the console took to answer."""
    case = settlement.pending(resident)
    page = session.get(f"{stack.profile.url('console')}/cases/{case.id}", timeout=30)
    page.raise_for_status()
    start = time.perf_counter()
    person.submit(session, page, {}, holding="version").raise_for_status()
    return time.perf_counter() - start


def link_that_answers(stack: Stack, resident: Resident) -> str:
    """Wait for the activation mail and open its link."""
    deadline = time.monotonic() + PATIENCE
    address = f"{stack.profile.url('mail-http')}/api/messages"
    while time.monotonic() < deadline:
        for mail in requests.get(address, params={"to": resident.mailbox}, timeout=10).json():
            for link in mail["links"]:
                if ACTION_LINK in link and person.new_session().get(link, timeout=30).ok:
                    return str(link)
        time.sleep(0.02)
    raise TimeoutError(f"no activation mail for {resident.username}")


def main() -> bool:
    stack = Stack("bench")
    people = applicants(PEOPLE)
    pushed: list[float] = []
    answered: list[float] = []
    activated: list[float] = []
    entered: list[float] = []
    try:
        settlement = settled(stack)
        settlement.apply(people)
        session = signed_in_manager(stack)
        for resident in people:
            start = time.perf_counter()
            answered.append(press_approve(stack, session, settlement, resident))
            link = link_that_answers(stack, resident)
            pushed.append(time.perf_counter() - start)
            start = time.perf_counter()
            secret = person.activate(link, PASSWORD)
            activated.append(time.perf_counter() - start)
            start = time.perf_counter()
            person.sign_in(
                person.new_session(), f"{stack.profile.url('console')}/sign-in", resident.username, PASSWORD, secret
            )
            entered.append(time.perf_counter() - start)
    finally:
        stack.stop()
    figures = {
        "people": len(people),
        "p50_s": percentile(pushed, 0.5),
        "p95_s": percentile(pushed, 0.95),
        "max_s": max(pushed),
        "activation_p50_s": percentile(activated, 0.5),
        "first_sign_in_p50_s": percentile(entered, 0.5),
        "yardstick_console_answer_p50_s": percentile(answered, 0.5),
        "times_the_yardstick": percentile(pushed, 0.5) / percentile(answered, 0.5),
    }
    return report("push", figures, {"p95_s": ("<=", 5)})


if __name__ == "__main__":
    finish(met=main())
