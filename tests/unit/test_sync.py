"""What has to change and what is left alone, names a directory can hold, and pauses."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.accounts.model import Account, AccountKind, AccountState, DisableCause, Profile
from hufu_registry.agencies.model import Agency, AgencyKind, Path
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.kernel.outbox import Kind
from hufu_registry.kernel.texts import units
from hufu_registry.sync.model import naming
from hufu_registry.sync.model.desired import DirectorySchema, KeycloakSchema
from hufu_registry.sync.model.naming import Sibling, folded, ou_names, short_name
from hufu_registry.sync.model.plan import (
    ENABLED,
    NAME,
    PLACE,
    SECOND_FACTOR,
    Create,
    Delete,
    Desired,
    Leave,
    Observed,
    Place,
    Plan,
    Rename,
    SetEnabled,
    SetFields,
    plan,
)
from hufu_sync.backoff import LONGEST, pause

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def hash_of(field: str, value_: str) -> str:
    return f"{field}={value_}"


def wanted(**changes: Any) -> Desired:
    base = Desired(
        kind=Kind.ACCOUNT,
        object_id="a",
        mark="hufu:account:a",
        name="wangxm",
        place="ou-1",
        enabled=True,
        fields={"title": "科員", "mail": ""},
        enforced=frozenset({ENABLED}),
    )
    return replace(base, **changes)


def there(desired: Desired, **changes: Any) -> Observed:
    base = Observed(
        remote_id="r1",
        mark=desired.mark,
        name=desired.name,
        place=desired.place,
        enabled=desired.enabled,
        fields=desired.fields,
    )
    return replace(base, **changes)


def written(desired: Desired) -> dict[str, str]:
    return dict(plan(desired, None, {}, hash_of).written)


def test_what_is_missing_is_made_whole() -> None:
    planned = plan(wanted(), None, {}, hash_of)
    assert planned.steps == (Create(wanted()),)
    assert planned.written.keys() == {"title", "mail", NAME, PLACE, ENABLED}


def test_what_is_as_wanted_needs_nothing() -> None:
    planned = plan(wanted(), there(wanted()), written(wanted()), hash_of)
    assert (planned.steps, planned.written, planned.drift) == ((), {}, {})


def test_a_changed_value_of_the_registry_is_written_with_before_and_after() -> None:
    new = wanted(fields={"title": "科長", "mail": ""})
    planned = plan(new, there(wanted()), written(wanted()), hash_of)
    assert planned.steps == (SetFields((("title", "科員", "科長"),)),)
    assert planned.written == {"title": "title=科長"}


def test_a_difference_we_did_not_make_is_listed_and_left_alone() -> None:
    planned = plan(wanted(), there(wanted(), fields={"title": "處長"}), written(wanted()), hash_of)
    assert planned.steps == ()
    assert planned.drift == {"title": ("處長", "科員")}


@pytest.mark.parametrize("known", [{}, {SECOND_FACTOR: "False"}, {SECOND_FACTOR: "True"}])
def test_a_missing_second_factor_is_listed_and_never_written(known: dict[str, str]) -> None:
    person = wanted(second_factor=True)
    planned = plan(person, there(person, second_factor=False), written(person) | known, hash_of)
    assert (planned.steps, planned.written) == ((), {})
    assert planned.drift == {SECOND_FACTOR: ("False", "True")}
    for seen in (True, None):
        assert plan(person, there(person, second_factor=seen), written(person), hash_of).drift == {}
    assert plan(wanted(), there(wanted(), second_factor=False), written(wanted()), hash_of).drift == {}


def test_what_outlived_its_source_makes_room() -> None:
    old = there(wanted(), address="wangxm", outlived=True, enabled=False)
    assert plan(wanted(), old, written(wanted()), hash_of) == Plan((Delete("wangxm"),))


def test_the_state_is_always_brought_back() -> None:
    planned = plan(wanted(), there(wanted(), enabled=False), written(wanted()), hash_of)
    assert planned.steps == (SetEnabled(before=False, after=True),)
    assert planned.drift == {}


def test_who_must_not_get_in_is_out_before_anything_else() -> None:
    new = wanted(enabled=False, name="other", fields={"title": "科長", "mail": ""})
    kinds = [type(step) for step in plan(new, there(wanted()), written(wanted()), hash_of).steps]
    assert kinds == [SetEnabled, Rename, SetFields]


def test_who_may_get_in_again_comes_last() -> None:
    disabled = wanted(enabled=False)
    new = wanted(place="ou-2")
    kinds = [type(step) for step in plan(new, there(disabled), written(disabled), hash_of).steps]
    assert kinds == [Place, SetEnabled]


def test_membership_is_exactly_one_place_where_it_is_enforced() -> None:
    desired = wanted(enforced=frozenset({ENABLED, PLACE}))
    seen = there(desired, place="ou-9", surplus=frozenset({"ou-8", "ou-1"}))
    planned = plan(desired, seen, written(desired), hash_of)
    assert planned.steps == (Place("ou-9", "ou-1"), Leave("ou-8"))


def test_after_a_crash_what_is_there_already_is_only_noted() -> None:
    planned = plan(wanted(), there(wanted()), {}, hash_of)
    assert planned.steps == ()
    assert planned.written == written(wanted())


@given(
    seen=st.fixed_dictionaries({"title": st.sampled_from(["科員", "科長", ""]), "mail": st.sampled_from(["", "a@b"])}),
    known=st.sets(st.sampled_from(["title", "mail", NAME, PLACE, ENABLED])),
    enabled=st.booleans(),
)
def test_a_second_plan_after_the_first_was_done_is_empty(seen: dict[str, str], known: set[str], enabled: bool) -> None:
    desired = wanted()
    before = {name: digest for name, digest in written(desired).items() if name in known}
    observed = there(desired, fields=seen, enabled=enabled)
    first = plan(desired, observed, before, hash_of)
    fields = dict(seen)
    for step in first.steps:
        if isinstance(step, SetFields):
            fields |= {name: after for name, _, after in step.changes}
    second = plan(desired, there(desired, fields=fields), {**before, **first.written}, hash_of)
    assert second.steps == ()
    assert second.written == {}
    assert second.drift == first.drift


AGENCY = Agency(
    id=AgencyId(7),
    parent_id=AgencyId(1),
    path=Path("1.7"),
    kind=AgencyKind.AGENCY,
    name="臺中市政府經濟發展局",
    full_name="臺中市 › 臺中市政府 › 臺中市政府經濟發展局",
    oid="2.16.886.101.90027.20002.20011",
    agency_code=None,
    home_id=AgencyId(7),
)
ACCOUNT = Account(
    id=AccountId(UUID(int=5)),
    person_id=PersonId(UUID(int=6)),
    account_name="WangXM01",
    agency_id=AGENCY.id,
    agency_path=AGENCY.path,
    profile=Profile(name="王小明", title="科員", phone="04-2222-8888", extension="12", unit_name="秘書室"),
    mailbox="wang@example.org",
    language="zh_Hant_TW",
    state=AccountState.NOT_ACTIVATED,
    created_at=NOW,
    approved_at=NOW,
)


def test_an_account_in_the_directory_says_who_he_is_and_where() -> None:
    desired = DirectorySchema("agency.test").account(ACCOUNT, AGENCY, "", "ou-7")
    assert desired.fields == {
        "displayName": "王小明",
        "sn": "王小明",
        "givenName": ".",
        "title": "科員",
        "department": "秘書室",
        "company": "臺中市政府經濟發展局",
        "departmentNumber": "2.16.886.101.90027.20002.20011",
        "telephoneNumber": "04-2222-8888#12",
        "mail": "",
        "sAMAccountName": "WangXM01",
        "userPrincipalName": "WangXM01@agency.test",
        "employeeNumber": str(ACCOUNT.id),
        "employeeType": "personal",
        "signInBars": "",
    }
    assert (desired.name, desired.enabled, desired.mark) == ("WangXM01", True, f"hufu:account:{ACCOUNT.id}")


def test_the_backup_mailbox_stays_in_keycloak() -> None:
    with_directory = KeycloakSchema(with_directory=True).account(ACCOUNT, AGENCY, "", "g")
    assert with_directory.fields == {"email": "wang@example.org", "locale": "zh-TW", "unit_oid": ""}
    alone = KeycloakSchema(with_directory=False).account(ACCOUNT, AGENCY, "", "g")
    assert alone.fields["email"] == "wang@example.org"
    assert (alone.fields["display_name"], alone.fields["official_mail"]) == ("王小明", "")


def test_a_group_is_named_by_its_oid_and_carries_all_three_attributes() -> None:
    group = KeycloakSchema(with_directory=True).agency(AGENCY, "", "parent")
    assert group.name == AGENCY.oid
    assert (group.fields["agency_oid"], group.fields["agency_code"]) == (AGENCY.oid, "")


@pytest.mark.parametrize("state", list(AccountState))
def test_only_those_who_may_sign_in_are_enabled(state: AccountState) -> None:
    account = replace(ACCOUNT, state=state)
    assert DirectorySchema("d").account(account, AGENCY, "", None).enabled is (
        state in {AccountState.NOT_ACTIVATED, AccountState.ENABLED}
    )


def test_a_shared_account_says_that_it_is_one() -> None:
    shared = replace(ACCOUNT, kind=AccountKind.SHARED, profile=replace(ACCOUNT.profile, name="公文系統"))
    desired = DirectorySchema("agency.test").account(shared, AGENCY, "", "ou-7")
    assert (desired.fields["employeeType"], desired.fields["displayName"]) == ("shared", "公文系統")


@pytest.mark.parametrize("state", list(AccountState))
@pytest.mark.parametrize("cause", [None, *DisableCause])
def test_only_a_disabling_for_security_may_not_be_held_back(state: AccountState, cause: DisableCause | None) -> None:
    account = replace(ACCOUNT, state=state, state_cause=cause, state_reason="security")
    expected = state is AccountState.DISABLED and cause is DisableCause.SECURITY
    assert DirectorySchema("d").account(account, AGENCY, "", None).for_security is expected
    assert KeycloakSchema(with_directory=True).account(account, AGENCY, "", None).for_security is expected


def test_what_has_to_go_goes_and_is_not_missed_when_it_is_gone() -> None:
    gone = wanted(exists=False)
    assert plan(gone, there(gone, address="cn=x"), {}, hash_of).steps == (Delete("cn=x"),)
    assert plan(gone, None, {}, hash_of).steps == ()


def test_two_agencies_of_one_name_get_readable_names_that_differ() -> None:
    siblings = [Sibling(9, "秘書室", "20014"), Sibling(3, "秘書室", "20001"), Sibling(4, "人事室", "20002")]
    assert ou_names(siblings) == {3: "秘書室", 4: "人事室", 9: "秘書室 (20014)"}
    # The name with the number behind it may be somebody's, too; and so may be the number.
    awkward = [Sibling(1, "甲", "1"), Sibling(2, "甲 (3)", "2"), Sibling(3, "甲", "3"), Sibling(4, "甲 (3)", "3")]
    assert ou_names(awkward) == {1: "甲", 2: "甲 (3)", 3: "甲 (3-2)", 4: "甲 (3) (3)"}


# What people and lists put into names: control characters, blanks at both ends, what a DN treats specially, halves of
# characters, wide and narrow forms, and characters outside the first plane.
ODD = st.text(st.one_of(st.characters(), st.sampled_from('#"\\+,;<>=/\0\n\t \u3000\u200b\ud83dＡ𠮷室')), max_size=120)


@given(st.lists(ODD, min_size=1, max_size=6))
def test_every_agency_gets_a_name_a_directory_holds_and_nobody_else_has(names: list[str]) -> None:
    siblings = [Sibling(number, name, str(number % 2)) for number, name in enumerate(names)]
    made = ou_names(siblings)
    assert made == ou_names(reversed(siblings))
    assert len({folded(name) for name in made.values()}) == len(names)
    for name in made.values():
        assert 0 < units(name) <= naming.OU_LENGTH
        assert name == naming.printable(name)
        name.encode()


@given(st.lists(ODD, min_size=1, max_size=5), ODD)
def test_a_younger_agency_never_changes_an_older_ones_name(names: list[str], another: str) -> None:
    siblings = [Sibling(number, name, str(number)) for number, name in enumerate(names)]
    younger = Sibling(len(names), another, "x")
    assert ou_names([*siblings, younger]).items() >= ou_names(siblings).items()


@given(ODD)
def test_every_text_has_a_form_that_a_directory_holds(text: str) -> None:
    for form in (naming.printable, short_name):
        made = form(text)
        assert made == form(made) == made.strip()
        assert not {unicodedata.category(character) for character in made} & {"Cc", "Cs"}
        made.encode()


@given(st.text(max_size=300))
def test_a_listed_agencys_name_is_never_longer_than_an_account_can_say_and_no_character_is_split(text: str) -> None:
    assert units(short_name(text)) <= naming.COMPANY_LENGTH
    assert short_name("𠮷" * 40) == "𠮷" * 31 + "…"
    assert short_name("𠮷" * 32) == "𠮷" * 32


@given(st.integers(min_value=0, max_value=10_000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_pauses_grow_to_fifteen_minutes_and_no_further(attempts: int, dice: float) -> None:
    assert timedelta(seconds=1) < pause(attempts, dice) <= LONGEST
    assert pause(attempts + 5, dice) >= pause(attempts, dice)
