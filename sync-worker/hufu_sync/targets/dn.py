"""Distinguished names (RFC 4514) as text: taken apart, put together, compared. Pure functions."""

from __future__ import annotations

HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
SPECIAL = frozenset(',+"\\<>;=\0')


def rdn(attribute: str, value: str) -> str:
    r"""One step: "ou=a\,b" for ("ou", "a,b")."""
    escaped = "".join(_escaped(character) for character in value)
    if value.startswith((" ", "#")):
        escaped = "\\" + escaped
    if value.endswith(" ") and len(value) > 1:
        escaped = escaped[:-1] + "\\ "
    return f"{attribute}={escaped}"


def _escaped(character: str) -> str:
    if character not in SPECIAL:
        return character
    return "\\00" if character == "\0" else "\\" + character


def first(dn: str) -> str:
    """The first step, as it is written."""
    return _split(dn)[0]


def parent(dn: str) -> str:
    return _split(dn)[1]


def _split(dn: str) -> tuple[str, str]:
    escaped = False
    for position, character in enumerate(dn):
        if character == "," and not escaped:
            return dn[:position], dn[position + 1 :]
        escaped = character == "\\" and not escaped
    return dn, ""


def steps(dn: str) -> list[str]:
    steps = []
    while dn:
        step, dn = _split(dn)
        steps.append(step.strip())
    return steps


def value(step: str) -> str:
    r"""Return the value of "ou=a\,b" as text: "a,b"; two hex digits after a backslash are a byte of UTF-8."""
    text = step.partition("=")[2]
    value = bytearray()
    position = 0
    while position < len(text):
        if text[position] != "\\":
            value += text[position].encode()
            position += 1
        elif HEXADECIMAL.issuperset(text[position + 1 : position + 3]) and len(text) > position + 2:
            value.append(int(text[position + 1 : position + 3], 16))
            position += 3
        else:
            value += text[position + 1 : position + 2].encode()
            position += 2
    return value.decode("utf-8", "replace")


def name(dn: str) -> str:
    """The object's own name: the value of the first step."""
    return value(first(dn))


def normal(dn: str) -> tuple[str, ...]:
    """Equal for two spellings of one name."""
    return tuple(f"{step.partition('=')[0].strip()}={value(step)}".casefold() for step in steps(dn))


def is_below(dn: str, base: str) -> bool:
    """Whether it is `base`, or stands anywhere below."""
    above = normal(base)
    return normal(dn)[-len(above) :] == above


def domain(dn: str) -> str:
    """The domain's own DN."""
    return ",".join(step for step in steps(dn) if step.lower().startswith("dc="))


def domain_name(dn: str) -> str:
    """The domain a DN lies in, as people write it: "agency.test"."""
    return ".".join(value(step) for step in steps(domain(dn)))
