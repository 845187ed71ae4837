"""What somebody else did in the servers: protected accounts, refused values, taken names, things deleted."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from uuid import uuid4

import pytest

from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Code
from hufu_registry.sync.use_cases import converge_now
from hufu_stack.directory import DOMAIN_DN
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import bindings_of, disagreements
from tests.kit.faults.world import Office, office_on, until


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    with office_on(stack) as made:
        made.found("北", "南")
        made.appoint(1)
        before = [made.approve("北"), made.approve("南"), *made.managers]
        until(lambda: all(made.mail_is_sent(account_id) for account_id in before))
        yield made


@pytest.fixture
def official(office: Office) -> AccountId:
    account_id = office.approve("北")
    until(lambda: office.mail_is_sent(account_id))
    return account_id


def test_an_account_under_adminsdholder_is_parked_and_not_touched(office: Office, official: AccountId) -> None:
    assert office.directory is not None
    (before,) = office.directory.of_account(official)
    office.directory.as_administrator(
        "ldbmodify", f"dn: {before.dn}\nchangetype: modify\nreplace: adminCount\nadminCount: 1\n"
    )
    office.change(official, title="專員")
    until(lambda: office.is_parked(official, Target.AD, Code.PROTECTED_IN_AD))
    assert office.directory.of_account(official) == [before]
    office.directory.as_administrator("ldbmodify", f"dn: {before.dn}\nchangetype: modify\ndelete: adminCount\n")
    office.retry_now(official, Target.AD)
    until(lambda: office.is_done(official))
    assert disagreements(office) == []


def test_a_taken_name_is_parked_until_whoever_has_it_is_gone(office: Office) -> None:
    assert office.directory is not None
    name = f"f{uuid4().hex[:10]}"
    dn = f"CN={name},CN=Users,{DOMAIN_DN}"
    password = base64.b64encode('"Somebody-else-2026"'.encode("utf-16-le")).decode()
    office.directory.as_administrator(
        "ldbadd", f"dn: {dn}\nobjectClass: user\nsAMAccountName: {name}\ndescription: 別人的\nunicodePwd:: {password}\n"
    )
    (stranger,) = office.directory.below(dn)
    account_id = office.approve("北", account_name=name)
    until(lambda: office.is_parked(account_id, Target.AD, Code.NAME_TAKEN_IN_AD))
    assert office.directory.below(dn) == [stranger]
    assert office.in_keycloak(account_id) == []
    office.directory.as_administrator("ldbmodify", f"dn: {dn}\nchangetype: delete\n")
    office.retry_now(account_id, Target.AD)
    until(lambda: office.is_done(account_id))
    assert disagreements(office) == []


def test_an_account_deleted_in_the_directory_is_missed_and_made_again_when_a_person_says_so(
    office: Office, official: AccountId
) -> None:
    assert office.directory is not None
    guid, _ = bindings_of(office, official)
    (entry,) = office.directory.of_account(official)
    office.directory.delete(entry.dn)
    office.change(official, title="專員")
    until(lambda: office.is_parked(official, Target.AD, Code.GONE_IN_AD))
    assert office.in_directory(official) == []
    office.make_again(official, Target.AD)
    office.expected[official]["account.made_in_ad"] += 1
    until(lambda: office.is_done(official))
    again, _ = bindings_of(office, official)
    assert again != guid
    # Keycloak's user of the lost entry is no use any more.
    office.expected[official]["account.made_in_keycloak"] = office.records(official)["account.made_in_keycloak"] - 1
    assert disagreements(office) == []


def test_a_group_deleted_in_keycloak_is_made_again_with_its_people(office: Office, official: AccountId) -> None:
    agency = office.agency("北")
    assert agency.oid is not None
    group = office.keycloak.group(agency.oid)
    assert group is not None
    office.keycloak.delete(f"groups/{group['id']}")
    office.expected[agency.id]["agency.made_in_keycloak"] += 1
    office.rename_agency("北", f"{agency.name}新")
    until(lambda: not office.waiting())
    for account_id in office.known_below("北"):
        with office.services.begin() as work:
            work.outbox.enqueue(office.key(account_id, Target.KEYCLOAK))
    until(lambda: not office.waiting())
    assert disagreements(office) == []


# Our bind account may write everything but this entry's title.
DENIED = "(OD;;WP;bf967a55-0de6-11d0-a285-00aa003049e2;;{sid})"


def test_one_account_without_rights_is_parked_and_all_others_go_on(office: Office, official: AccountId) -> None:
    assert office.directory is not None
    (entry,) = office.directory.of_account(official)
    office.directory.deny(entry.dn, DENIED)
    office.change(official, title="專員")
    until(lambda: office.is_parked(official, Target.AD, Code.AD_NO_RIGHTS))
    another = office.approve("北")
    until(lambda: office.mail_is_sent(another))
    assert office.is_parked(official, Target.AD, Code.AD_NO_RIGHTS)
    # What he has there is wanted again, so there is nothing that would be refused.
    office.change(official, title=entry.values["title"])
    until(lambda: office.is_done(official))
    assert disagreements(office) == []


@pytest.fixture(scope="module")
def small_office(stack_without_directory: Stack) -> Iterator[Office]:
    with office_on(stack_without_directory) as made:
        made.found("北")
        yield made


def test_a_user_deleted_in_keycloak_is_made_again(small_office: Office) -> None:
    """Where there is a directory Keycloak refuses that."""
    account_id = small_office.approve("北")
    until(lambda: small_office.mail_is_sent(account_id))
    (user,) = small_office.in_keycloak(account_id)
    small_office.keycloak.delete(f"users/{user['id']}")
    converge_now(account_id, small_office.services, OPERATOR)
    small_office.expected[account_id]["account.made_in_keycloak"] += 1
    until(lambda: small_office.is_done(account_id))
    assert disagreements(small_office) == []
