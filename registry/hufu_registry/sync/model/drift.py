"""What may be taken over from a target into the registry: what an account says of its official, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from hufu_registry.accounts.model import Profile
from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model.plan import BETWEEN

# The target's field → the profile's.
ACCEPTABLE = MappingProxyType(
    {
        "displayName": "name",
        "display_name": "name",
        "title": "title",
        "telephoneNumber": "phone",
        "department": "unit_name",
        "unit_name": "unit_name",
        "mail": "official_mail",
        "official_mail": "official_mail",
    }
)


def is_acceptable(kind: Kind, field: str, there: str) -> bool:
    """Of several values nobody knows which is meant."""
    return kind is Kind.ACCOUNT and field in ACCEPTABLE and BETWEEN not in there


def accepted(profile: Profile, field: str, value: str) -> Profile:
    """The profile with the target's value, cleaned. A unit that goes by another name is none of the registry's."""
    match ACCEPTABLE[field]:
        case "phone":
            changed = profile.with_telephone(value)
        case "unit_name":
            changed = replace(profile, unit_id=None, unit_name=value)
        case "official_mail":
            changed = replace(profile, official_mail=value or None)
        case "title":
            changed = replace(profile, title=value)
        case _:
            changed = replace(profile, name=value)
    return changed.cleaned()
