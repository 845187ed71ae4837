"""Nothing that people enter is cut on the way to Active Directory: what it has no room for is refused at the form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hufu_registry.agencies.model as agencies
from hufu_registry.accounts.model import (
    ACCOUNT_NAME,
    EXTENSION,
    NAME,
    OFFICIAL_MAIL,
    PHONE,
    TITLE,
    UNIT_NAME,
    Profile,
    longest_texts,
)
from hufu_registry.kernel.texts import Text, units
from hufu_registry.sync.model.desired import DirectorySchema
from tests.kit.accounts import NOW, an_account, an_agency

SCHEMA = DirectorySchema("agency.test")
# The longest values of Active Directory's schema (rangeUpper), in UTF-16 units.
LONGEST = {
    "displayName": 256, "sn": 64, "givenName": 64, "title": 128, "department": 64, "company": 64, "telephoneNumber": 64,
    "mail": 256, "sAMAccountName": 20, "userPrincipalName": 1024, "employeeNumber": 512, "description": 1024,
    "businessCategory": 128, "employeeType": 256, "departmentNumber": 1024,
}  # fmt: skip
MAIL = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 61}"
# What each field takes at most; of what a person types, words may be of characters that count twice.
TYPED: dict[str, tuple[Text, list[str]]] = {
    "name": (NAME, ["名" * 64, "𠮷" * 32]),
    "title": (TITLE, ["稱" * 60, "𠮷" * 30]),
    "unit_name": (UNIT_NAME, ["科" * 64, "𠮷" * 32]),
    "phone": (PHONE, ["0" * 20]),
    "extension": (EXTENSION, ["9" * 8]),
    "official_mail": (OFFICIAL_MAIL, [MAIL]),
    "account_name": (ACCOUNT_NAME, ["a" * 15]),
}
# Active Directory is not given it.
KEPT_HERE = {"mobile"}


def test_the_longest_value_of_every_field_stands_whole_in_the_directory() -> None:
    assert {*TYPED, *KEPT_HERE} == {*longest_texts(Profile), "account_name"}
    for name, (kind, longest) in TYPED.items():
        for typed in longest:
            assert kind.checked(typed, name) == typed
            assert kind.fault(typed + typed[0]) is not None
            changes: dict[str, Any] = {name: typed, "official_mail_proved_at": NOW}
            account = an_account(**changes)
            there = SCHEMA.account(account, an_agency(), "", None).fields
            whole = [value for value in there.values() if typed in value]
            assert whole, name
            assert all(units(value) <= LONGEST[field] for field, value in there.items() if field in LONGEST), name


def test_of_an_agency_the_directory_holds_its_whole_name_and_a_short_one_at_its_people() -> None:
    long = replace(an_agency(), name="局" * agencies.NAME.longest, oid="2.16." + "9" * (agencies.OID.longest - 5))
    fields = SCHEMA.agency(long, "", None).fields
    assert fields == {"description": long.name, "businessCategory": long.oid}
    assert all(units(value) <= LONGEST[name] for name, value in fields.items())
    company = SCHEMA.account(an_account(), long, "", None).fields["company"]
    assert company == "局" * 63 + "…"
