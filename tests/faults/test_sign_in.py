"""Taking away never waits: who is disabled is out, whether Active Directory is there or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from hufu_registry.kernel.ids import AccountId
from hufu_stack import person
from hufu_stack.demo import ACTION_LINK
from hufu_stack.person import Authenticator, PersonError
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.independent_readers import DirectoryReader
from tests.kit.faults.world import Office, office_on, until

PASSWORD = "Tally-of-the-tiger-99"
# Keycloak says so on its page, or with 400 while it cannot reach the directory.
REFUSED = (PersonError, requests.HTTPError)


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    with office_on(stack) as made:
        made.found("北")
        made.appoint(1)
        until(lambda: made.mail_is_sent(made.managers[0]))
        yield made


@dataclass
class Official:
    """Somebody with a password and an OTP app, signed in at the sample application."""

    account_id: AccountId
    name: str
    sample: str
    authenticator: Authenticator
    user_id: str

    def sign_in(self) -> requests.Session:
        """Raises one of REFUSED."""
        session = person.new_session()
        page = person.sign_in(session, f"{self.sample}/sign-in", self.name, PASSWORD, self.authenticator)
        assert self.name in page.text
        return session


@pytest.fixture
def official(office: Office) -> Official:
    account_id = office.approve("北")
    until(lambda: bool(office.mails(account_id)))
    (mail,) = office.mails(account_id)
    link = next(link for link in mail["links"] if ACTION_LINK in link)
    authenticator = Authenticator(person.activate(link, PASSWORD))
    until(lambda: office.records(account_id).get("account.activated", 0) == 1)
    office.expected[account_id]["account.activated"] += 1
    (user,) = office.in_keycloak(account_id)
    sample = office.stack.profile.url("sample")
    return Official(account_id, office.names[account_id], sample, authenticator, user["id"])


def test_disabled_while_the_directory_is_away_sessions_end_and_nobody_gets_in(
    office: Office, official: Official
) -> None:
    assert isinstance(office.directory, DirectoryReader)
    official.sign_in()
    assert office.keycloak.sessions(official.user_id) == 1
    assert office.directory.signs_in(official.name, PASSWORD)
    office.stack.kill("directory")
    try:
        office.disable(official.account_id)
        until(lambda: office.keycloak.sessions(official.user_id) == 0)
        with pytest.raises(REFUSED):
            official.sign_in()
        assert not office.is_done(official.account_id)
    finally:
        office.stack.start(["directory"])
    until(lambda: office.is_done(official.account_id))
    assert not office.directory.signs_in(official.name, PASSWORD)
    with pytest.raises(REFUSED):
        official.sign_in()
    assert disagreements(office) == []
