"""Who acts, and from where: an argument of every use case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from hufu_registry.kernel.ids import AccountId


class ActorKind(StrEnum):
    ACCOUNT = "account"  # somebody signed in at the console
    APPLICANT = "applicant"  # a stranger with a verified mailbox
    OPERATOR = "operator"  # somebody at the hufu command
    SYSTEM = "system"  # the scheduler, the worker


@dataclass(frozen=True, slots=True)
class Actor:
    """`place` is the network address or the host the act came from."""

    kind: ActorKind
    account_id: AccountId | None = None
    place: str | None = None


def network_of(place: str | None) -> str:
    """What counts as one place: an address, of IPv6 the network that one subscriber has; "" for a host's name."""
    try:
        address = ip_address(place or "")
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


def account_actor(account_id: AccountId, place: str | None = None) -> Actor:
    return Actor(ActorKind.ACCOUNT, account_id, place)


def applicant_actor(place: str | None = None) -> Actor:
    return Actor(ActorKind.APPLICANT, None, place)


OPERATOR = Actor(ActorKind.OPERATOR)
SYSTEM = Actor(ActorKind.SYSTEM)
