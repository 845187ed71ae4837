"""What has to change and what is left alone, names a directory can hold, pauses, and the words of notices."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.accounts.model import Account, AccountState, Profile
from hufu_registry.agencies.model import Agency, AgencyKind, Path
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.kernel.outbox import Kind
from hufu_registry.notices.model import Notice, Template
from hufu_registry.notices.texts import TEXTS, render
from hufu_registry.sync.model import naming
from hufu_registry.sync.model.desired import (
    account_in_directory,
    account_in_keycloak,
    agency_in_directory,
    agency_in_keycloak,
)
from hufu_registry.sync.model.naming import Sibling, ou_name, units, value
from hufu_registry.sync.model.plan import (
    ENABLED,
    NAME,
    PLACE,
    Create,
    Desired,
    Leave,
    Observed,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    plan,
)
from hufu_sync.backoff import LONGEST, pause

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def hash_of(field: str, value_: str) -> str:
    return f"{field}={value_}"


def wanted(**changes: object) -> Desired:
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


def there(desired: Desired, **changes: object) -> Observed:
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
    assert (planned.steps, planned.written, planned.drift) == ((), {}, frozenset())


def test_a_changed_value_of_the_registry_is_written_with_before_and_after() -> None:
    new = wanted(fields={"title": "科長", "mail": ""})
    planned = plan(new, there(wanted()), written(wanted()), hash_of)
    assert planned.steps == (SetFields((("title", "科員", "科長"),)),)
    assert planned.written == {"title": "title=科長"}


def test_a_difference_we_did_not_make_is_listed_and_left_alone() -> None:
    planned = plan(wanted(), there(wanted(), fields={"title": "處長"}), written(wanted()), hash_of)
    assert planned.steps == ()
    assert planned.drift == {"title"}


def test_the_state_is_always_brought_back() -> None:
    planned = plan(wanted(), there(wanted(), enabled=False), written(wanted()), hash_of)
    assert planned.steps == (SetEnabled(before=False, after=True),)
    assert planned.drift == frozenset()


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


@pytest.mark.requirement("S1-025")
def test_an_account_in_the_directory_says_who_he_is_and_where() -> None:
    desired = account_in_directory(ACCOUNT, AGENCY, "ou-7", "agency.test")
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
    }
    assert (desired.name, desired.enabled, desired.mark) == ("WangXM01", True, f"hufu:account:{ACCOUNT.id}")


def test_the_backup_mailbox_stays_in_keycloak() -> None:
    with_directory = account_in_keycloak(ACCOUNT, "", "g", with_directory=True)
    assert with_directory.fields == {"email": "wang@example.org", "locale": "zh-TW", "unit_oid": ""}
    alone = account_in_keycloak(ACCOUNT, "", "g", with_directory=False)
    assert alone.fields["email"] == "wang@example.org"
    assert (alone.fields["display_name"], alone.fields["official_mail"]) == ("王小明", "")


def test_a_group_is_named_by_its_oid_and_carries_all_three_attributes() -> None:
    group = agency_in_keycloak(AGENCY, "parent")
    assert group.name == AGENCY.oid
    assert (group.fields["agency_oid"], group.fields["agency_code"]) == (AGENCY.oid, "")


@pytest.mark.parametrize("state", list(AccountState))
def test_only_those_who_may_sign_in_are_enabled(state: AccountState) -> None:
    account = replace(ACCOUNT, state=state)
    assert account_in_directory(account, AGENCY, None, "d").enabled is (
        state in {AccountState.NOT_ACTIVATED, AccountState.ENABLED}
    )


def test_two_agencies_of_one_name_get_readable_names_that_differ() -> None:
    siblings = [Sibling(3, "秘書室"), Sibling(9, "秘書室")]
    assert ou_name(3, "秘書室", "20001", siblings) == "秘書室"
    assert ou_name(9, "秘書室", "20014", siblings) == "秘書室 (20014)"
    desired = agency_in_directory(AGENCY, [Sibling(2, "臺中市政府經濟發展局")], None)
    assert desired.name == "臺中市政府經濟發展局 (20011)"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200), st.booleans())
def test_every_name_fits_into_a_directory(name: str, twice: bool) -> None:
    siblings = [Sibling(1, name)] if twice else []
    made = ou_name(2, name, "20011", siblings)
    assert 0 < units(made) <= naming.OU_LENGTH
    assert made == ou_name(2, name, "20011", siblings)
    assert all(character.isprintable() or character == " " for character in made if ord(character) < 128)


@given(st.text(max_size=300), st.sampled_from(sorted(naming.LONGEST)))
def test_values_are_cut_to_what_the_schema_allows(text: str, attribute: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert units(value(attribute, text)) <= naming.LONGEST[attribute]


def test_a_character_outside_the_first_plane_is_never_split() -> None:
    assert value("sn", "𠮷" * 40) == "𠮷" * 31 + "…"


@given(st.integers(min_value=0, max_value=10_000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_pauses_grow_to_fifteen_minutes_and_no_further(attempts: int, dice: float) -> None:
    assert timedelta(seconds=1) < pause(attempts, dice) <= LONGEST
    assert pause(attempts + 5, dice) >= pause(attempts, dice)


VALUES = {
    "number": "115000123",
    "name": "王{小}明",
    "account_name": "wangxm01",
    "agency": "臺中市 › 臺中市政府",
    "code": "012345",
    "minutes": "10",
    "reason": "電話號碼有誤",
    "case_id": "5d0f",
}


@pytest.mark.parametrize(("template", "language"), list(product(Template, ["zh_Hant_TW", "en", "fr"])))
def test_every_notice_has_words_in_every_language(template: Template, language: str) -> None:
    mail = render(Notice(UUID(int=1), template, language, "x@example.org", VALUES), console_url="https://id.test/")
    assert mail.subject
    assert "\n" not in mail.subject
    assert "王" not in mail.subject
    assert "{console_url}" not in mail.text
    assert "https://id.test" in mail.text
    assert TEXTS[template].keys() == {"zh_Hant_TW", "en"}


@given(st.sampled_from(list(Template)), st.text(alphabet=string.printable, max_size=40))
def test_what_people_typed_never_becomes_a_header_or_a_template(template: Template, typed: str) -> None:
    values = {**VALUES, "name": typed, "reason": typed}
    mail = render(Notice(UUID(int=1), template, "en", "x@example.org", values), console_url="https://id.test")
    assert len(mail.subject.splitlines()) == 1
