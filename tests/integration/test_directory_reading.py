"""Other systems read Active Directory by LDAP, as the integrator's guide says, with an account that can only read."""

from __future__ import annotations

import re

import ldap3
import pytest

from hufu_stack.layout import BASE_DN, PROJECT
from hufu_stack.stack import Stack
from tests.kit.faults.independent_readers import bound
from tests.kit.faults.world import AGENCY, office_on, until


def chapter() -> str:
    guide = (PROJECT / "docs" / "integrators-guide.md").read_text()
    return guide.partition("## Reading the directory")[2].partition("\n## ")[0]


@pytest.mark.stack
@pytest.mark.requirement("X-11")
def test_another_system_reads_what_the_guide_says_and_can_write_nothing(stack: Stack) -> None:
    (query,) = re.findall(r"^  '(\(&.*\))' ", chapter(), re.MULTILINE)
    documented = [
        name
        for cell in re.findall(r"^\| (`[^|]+) \|", chapter(), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    ]
    with office_on(stack) as office:
        account_id = office.approve()
        until(lambda: office.is_done(account_id))
        reader = bound(stack, "hufu-reader")
        try:
            pages = reader.extend.standard.paged_search(BASE_DN, query, attributes=documented, paged_size=500)
            entries = [
                (entry["dn"], {name: found[0].decode() for name, found in entry["raw_attributes"].items() if found})
                for entry in pages
            ]
            ((dn, values),) = [
                (dn, values) for dn, values in entries if values.get("employeeNumber") == str(account_id)
            ]
            assert values == {
                "employeeNumber": str(account_id),
                "sAMAccountName": office.names[account_id],
                "cn": office.names[account_id],
                "displayName": "王小明",
                "sn": "王小明",
                "givenName": ".",
                "departmentNumber": AGENCY,
                "company": office.agency(AGENCY).name,
                "department": "秘書室",
                "title": "科員",
                "telephoneNumber": "02-00000000",
                "employeeType": "personal",
                "userAccountControl": "512",
                "adminDescription": f"hufu:account:{account_id}",
            }
            assert set(documented) - set(values) == {"mail"}
            assert not reader.modify(dn, {"title": [(ldap3.MODIFY_REPLACE, ["x"])]})
            assert reader.result["description"] == "insufficientAccessRights"
        finally:
            reader.unbind()


@pytest.mark.stack
@pytest.mark.requirement("S0-13")
def test_a_document_system_has_a_new_account_from_the_directory_without_anybody_s_hand(stack: Stack) -> None:
    """It reads every night what changed since the last time, as the guide says, and makes its own accounts of that."""
    reader = bound(stack, "hufu-reader")
    known: dict[str, tuple[str, str, bool]] = {}

    def nightly(since: int) -> None:
        query = f"(&(objectClass=user)(adminDescription=hufu:account:*)(departmentNumber=*)(uSNChanged>={since}))"
        wanted = ["employeeNumber", "displayName", "departmentNumber", "userAccountControl"]
        for page in reader.extend.standard.paged_search(BASE_DN, query, attributes=wanted, paged_size=500):
            account, name, agency, control = (page["raw_attributes"][each][0].decode() for each in wanted)
            known[account] = (name, agency, not int(control) & 2)

    def highest() -> int:
        reader.search("", "(objectClass=*)", ldap3.BASE, attributes=["highestCommittedUSN"])
        return int(reader.entries[0].highestCommittedUSN.value)

    try:
        with office_on(stack) as office:
            nightly(0)
            position = highest()
            account_id = office.approve()
            until(lambda: office.is_done(account_id))
            assert str(account_id) not in known
            nightly(position + 1)
            assert known[str(account_id)] == ("王小明", AGENCY, True)

            position = highest()
            office.disable(account_id)
            until(lambda: office.is_done(account_id))
            nightly(position + 1)
            assert known[str(account_id)] == ("王小明", AGENCY, False)
    finally:
        reader.unbind()
