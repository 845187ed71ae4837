"""Somebody is disabled while he is signed in: how long until his sessions have ended and nobody lets him in again.

20 people with live sessions, one after the other. Looked at as an application would (the sign-in server, asked without
showing a page, no longer knows him) and as he would (his right name and password are refused).

Yardstick: disabling in the registry alone.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable

import requests
from bs4 import BeautifulSoup

from bench.harness import finish, percentile, report
from bench.push import MANAGER, settled
from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.kernel.actor import account_actor
from hufu_stack import person
from hufu_stack.demo import registry_of
from hufu_stack.demo_people import ECONOMY, Resident
from hufu_stack.endpoints import read_people
from hufu_stack.stack import Stack

PEOPLE = 20
PATIENCE = 60.0
LOOK_EVERY = 0.05
REASON = "離職"


def authorization(stack: Stack, session: requests.Session, **more: str) -> requests.Response:
    """Ask the sign-in server to let the console's client in, without following where that leads."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(secrets.token_bytes(32)).digest()).rstrip(b"=").decode()
    query = {
        "client_id": "hufu-console",
        "redirect_uri": f"{stack.profile.url('console')}/sign-in/callback",
        "response_type": "code",
        "scope": "openid",
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = f"{stack.profile.issuer}/protocol/openid-connect/auth"
    return session.get(address, params=query | more, timeout=30, allow_redirects=False)


def has_session(stack: Stack, session: requests.Session) -> bool:
    """Whether an application would be told who he is; raises ValueError for an answer that says neither."""
    where = authorization(stack, session, prompt="none").headers.get("Location", "")
    if "code=" in where:
        return True
    if "error=login_required" in where:
        return False
    raise ValueError(f"neither a code nor login_required: {where[:200]}")


def is_let_in(stack: Stack, username: str, password: str) -> bool:
    """Whether a new browser gets past name and password, to the page for the one-time password."""
    session = person.new_session()
    page = authorization(stack, session)
    answer = person.submit(session, page, {"username": username, "password": password}, holding="password")
    return BeautifulSoup(answer.text, "html.parser").find("input", {"name": "otp"}) is not None


def until_not(still: Callable[[], bool], start: float) -> float:
    """Seconds from `start` until it is no more."""
    while still():
        if time.perf_counter() - start > PATIENCE:
            return PATIENCE
        time.sleep(LOOK_EVERY)
    return time.perf_counter() - start


def main() -> bool:
    stack = Stack("bench")
    residents = [Resident(700 + n, f"leaving{n:03}", f"測試{n:03}", "科員", ECONOMY, "工業科") for n in range(PEOPLE)]
    registry_only, ended, refused = [], [], []
    try:
        settlement = settled(stack)
        settlement.settle(residents, decider=MANAGER)
        services = registry_of(stack.profile)
        manager = settlement.account(MANAGER)
        assert manager is not None
        known = {each.username: each for each in read_people(stack.profile)}
        for resident in residents:
            account, someone, session = settlement.account(resident), known[resident.username], person.new_session()
            assert account is not None
            address = f"{stack.profile.url('console')}/sign-in"
            person.sign_in(session, address, someone.username, someone.password, someone.totp_secret)
            if not (has_session(stack, session) and is_let_in(stack, someone.username, someone.password)):
                raise RuntimeError(f"{someone.username} was not signed in to begin with")
            start = time.perf_counter()
            disable_account(account.id, services, account_actor(manager.id, "127.0.0.1"), reason=REASON)
            registry_only.append(time.perf_counter() - start)
            ended.append(until_not(lambda: has_session(stack, session), start))  # noqa: B023
            refused.append(until_not(lambda: is_let_in(stack, someone.username, someone.password), start))  # noqa: B023
        services.engine.dispose()
    finally:
        stack.stop()
    figures = {
        "people": len(residents),
        "sessions_ended_p50_s": percentile(ended, 0.5),
        "sessions_ended_p95_s": percentile(ended, 0.95),
        "sign_in_refused_p50_s": percentile(refused, 0.5),
        "sign_in_refused_p95_s": percentile(refused, 0.95),
        "yardstick_registry_only_p50_s": percentile(registry_only, 0.5),
        "times_the_yardstick": percentile(ended, 0.5) / percentile(registry_only, 0.5),
    }
    aims = {"sessions_ended_p95_s": ("<=", 5), "sign_in_refused_p95_s": ("<=", 5)}
    return report("disable", figures, aims)


if __name__ == "__main__":
    finish(met=main())
