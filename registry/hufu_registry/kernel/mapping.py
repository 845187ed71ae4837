"""Frozen dataclasses as flat columns and back, by their own fields: a field is named in its class and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from types import MappingProxyType, NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from hufu_registry.kernel.keys import Keys, Unreadable

T = TypeVar("T")

# The metadata of a text that is encrypted in `<field>_sealed`, with a keyed hash to find it by in `<field>_key`.
SEALED: MappingProxyType[str, Any] = MappingProxyType({"sealed": True})

NOTHING: MappingProxyType[str, Any] = MappingProxyType({})
# How a document says what JSON has no word for, and reads it.
FROM_TEXT: MappingProxyType[type, Callable[[str], Any]] = MappingProxyType(
    {UUID: UUID, date: date.fromisoformat, datetime: datetime.fromisoformat}
)


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    nested: type[Any] | None
    sealed: bool
    has_default: bool


def to_columns(value: object, keys: Keys | None = None) -> dict[str, Any]:
    """Column → value: a dataclass in a field lies flat beside the others, an enumeration is its value, a dataclass of
    one field that field's. What seals nothing needs no keys.
    """
    columns: dict[str, Any] = {}
    kind: Any = type(value)
    for column in _columns(kind):
        held = getattr(value, column.name)
        if column.nested is not None:
            columns |= to_columns(held, keys)
        elif column.sealed:
            columns[f"{column.name}_sealed"] = _needed(keys).seal(column.name, held) if held else ""
            columns[f"{column.name}_key"] = _needed(keys).index(column.name, held) if held else None
        else:
            columns[column.name] = None if held is None else column.write(held)
    return columns


def from_columns(kind: type[T], row: Mapping[str, Any], keys: Keys | None = None) -> T:
    """What `to_columns` made these of. A field without a column has its default."""
    values: dict[str, Any] = {}
    made: Any = kind
    for column in _columns(made):
        name = f"{column.name}_sealed" if column.sealed else column.name
        if column.nested is not None:
            values[column.name] = from_columns(column.nested, row, keys)
        elif name not in row and column.has_default:
            continue
        elif column.sealed:
            values[column.name] = _needed(keys).open(column.name, row[name]) if row[name] else ""
        else:
            values[column.name] = None if row[name] is None else column.read(row[name])
    thing: T = made(**values)
    return thing


def from_rows(kind: type[T], rows: Iterable[Any], keys: Keys | None = None) -> list[T]:
    """Each row of a query as what it holds."""
    return [from_columns(kind, row._asdict(), keys) for row in rows]


def to_document(about: str, value: object, keys: Keys) -> str:
    """The columns as one sealed text, for what has no table of its own."""
    return keys.seal(about, json.dumps(to_columns(value, keys), default=_text, ensure_ascii=False))


def from_document(about: str, kind: type[T], document: str, keys: Keys, known: Mapping[str, Any] = NOTHING) -> T:
    """What `to_document` made this of, but for what is `known` better. A field that came after it has its default.

    Raises Unreadable, also where it is none of this type.
    """
    try:
        return from_columns(kind, {**json.loads(keys.open(about, document)), **known}, keys)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(about) from error


@cache
def _columns(kind: Any) -> tuple[_Column, ...]:
    hints = get_type_hints(kind)
    return tuple(_column(field, hints[field.name]) for field in fields(kind))


def _column(field: Field[Any], hint: Any) -> _Column:
    kind = _bare(hint)
    read, write = _same, _same
    nested: type[Any] | None = None
    if isinstance(kind, type) and issubclass(kind, Enum):
        read, write = kind, lambda held: held.value
    elif kind in FROM_TEXT:
        read = partial(_read, FROM_TEXT[kind])
    elif is_dataclass(kind) and isinstance(kind, type):
        only = [field.name for field in fields(kind)]
        if len(only) == 1:
            read, write = kind, lambda held: getattr(held, only[0])
        else:
            nested = kind
    has_default = field.default is not MISSING or field.default_factory is not MISSING
    return _Column(field.name, read, write, nested, bool(field.metadata.get("sealed")), has_default)


def _bare(hint: Any) -> Any:
    """The type without "or None" and without the name an id has."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (choice for choice in get_args(hint) if choice is not NoneType)
    return getattr(hint, "__supertype__", hint)


def _needed(keys: Keys | None) -> Keys:
    if keys is None:
        message = "a sealed field needs keys"
        raise TypeError(message)
    return keys


def _same(held: Any) -> Any:
    return held


def _read(from_text: Callable[[str], Any], held: Any) -> Any:
    """A column holds the thing itself, a document its text."""
    return from_text(held) if isinstance(held, str) else held


def _text(held: object) -> str:
    if type(held) not in FROM_TEXT:
        message = f"a document cannot hold {type(held).__name__}"
        raise TypeError(message)
    return held.isoformat() if isinstance(held, date) else str(held)
