"""A field of what an account says of its official costs its rule and its words: two places, and nothing else names it."""

from __future__ import annotations

import re
from dataclasses import fields

from hufu_console.accounts.forms import ProfileForm
from hufu_console.accounts.profile import PROFILE_FIELDS
from hufu_console.public.activation.forms import ApplicationForm
from hufu_registry.accounts.model import Profile
from hufu_registry.accounts.store import accounts
from hufu_stack.layout import PROJECT

# One that no rule of its own needs elsewhere, as sync needs a mobile number or a unit its agency.
FIELD = "extension"
HOME = {"registry/hufu_registry/accounts/model.py", "admin-ui/hufu_console/accounts/profile.py"}


def test_a_field_is_named_in_its_class_and_where_its_words_are() -> None:
    code = [
        path
        for room in ("registry", "admin-ui/hufu_console", "sync-worker")
        for kind in ("*.py", "*.html")
        for path in (PROJECT / room).rglob(kind)
        # A migration is generated, and stays as it was.
        if "versions" not in path.parts
    ]
    named = {str(path.relative_to(PROJECT)) for path in code if re.search(rf"\b{FIELD}\b", path.read_text())}
    assert named == HOME


def test_every_text_of_a_profile_has_words_and_a_column() -> None:
    """The unit's id is chosen with its name, and has none."""
    named = {one.name for one in fields(Profile)} - {"unit_id"}
    assert named == set(PROFILE_FIELDS)
    sealed = {one.name for one in fields(Profile) if one.metadata.get("sealed")}
    assert {f"{name}_sealed" if name in sealed else name for name in named} <= set(accounts.c.keys())


def test_forms_ask_the_fields_in_the_order_of_the_page() -> None:
    def asked(form: type[object]) -> list[str]:
        made = [
            (field.creation_counter, name)
            for name in dir(form)
            if hasattr(field := getattr(form, name), "creation_counter")
        ]
        return [name for _, name in sorted(made)]

    assert [name for name in asked(ProfileForm) if name != "version"] == list(PROFILE_FIELDS)
    assert asked(ApplicationForm) == [
        "name", "title", "account_name", "agency_id", "agency_oid", "unit_name", "phone", "extension", "mobile",
        "wants_official_mail", "reason", "version",
    ]  # fmt: skip
