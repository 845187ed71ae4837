"""The agencies' tables, and the mapping between rows and values."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hufu_registry.agencies.model import Agency, AgencyKind, Node, Path
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.store import Moment, metadata

PathText = sa.Text(collation="C")

agencies = sa.Table(
    "agencies",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("path", PathText, nullable=False, unique=True),
    sa.Column("home_id", sa.BigInteger, sa.ForeignKey("agencies.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("oid", sa.Text, unique=True),
    sa.Column("agency_code", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("full_name", sa.Text, nullable=False),
    # Folded: the agency's own names, OIDs and code a line each, and the full name. Compared byte by byte.
    sa.Column("search_text", PathText, nullable=False, server_default=""),
    sa.Column("search_path", PathText, nullable=False, server_default=""),
    sa.Column("listed_name", sa.Text),
    sa.Column("telephone", sa.Text, nullable=False, server_default=""),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("dn", sa.Text, nullable=False, server_default=""),
    sa.Column("mail_domains", sa.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("short_names", sa.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("parent_by_hand", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("source", sa.Text, nullable=False, server_default="hand"),
    sa.Column("valid_from", sa.Date),
    sa.Column("closed_on", sa.Date),
    # Its successor, where it was merged into one.
    sa.Column("merged_into", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", Moment, nullable=False, server_default=sa.func.now()),
    # What other tables copy the path by, ON UPDATE CASCADE.
    sa.UniqueConstraint("id", "path"),
    sa.CheckConstraint("kind IN ('agency','unit','locality','placeholder','school')", name="kind"),
    sa.CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    sa.CheckConstraint("kind <> 'unit' OR home_id <> id", name="unit_has_home"),
    sa.CheckConstraint("merged_into IS NULL OR closed_on IS NOT NULL", name="merged_is_closed"),
    sa.Index("ix_agencies_parent_id", "parent_id"),
)

agency_names = sa.Table(
    "agency_names",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("agency_id", sa.BigInteger, sa.ForeignKey("agencies.id"), nullable=False, index=True),
    sa.Column("name", sa.Text),
    sa.Column("oid", sa.Text),
    sa.Column("until", sa.Date),
    sa.Column("reference", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("agency_id", "name", "oid", "until", postgresql_nulls_not_distinct=True),
    sa.CheckConstraint("name IS NOT NULL OR oid IS NOT NULL", name="says_something"),
)


def below(path: sa.ColumnElement[str], top: Path | sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a path stands below another, as a range that an index serves; "/" is the character after "."."""
    first, after = (f"{top.text}.", f"{top.text}/") if isinstance(top, Path) else (top.concat("."), top.concat("/"))
    return sa.and_(path >= first, path < after)


def at_or_below(path: sa.ColumnElement[str], top: Path | sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The whole subtree, its top too."""
    return sa.or_(path == (top.text if isinstance(top, Path) else top), below(path, top))


def subtree_of(agency_id: AgencyId, path: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a path is the agency's or stands below it; none is where there is no such agency."""
    return at_or_below(path, sa.select(agencies.c.path).where(agencies.c.id == agency_id).scalar_subquery())


def to_agency(row: Any) -> Agency:
    return Agency(
        id=AgencyId(row.id),
        parent_id=None if row.parent_id is None else AgencyId(row.parent_id),
        path=Path(row.path),
        kind=AgencyKind(row.kind),
        name=row.name,
        full_name=row.full_name,
        oid=row.oid,
        agency_code=row.agency_code,
        home_id=AgencyId(row.home_id),
        mail_domains=tuple(row.mail_domains),
        short_names=tuple(row.short_names),
        valid_from=row.valid_from,
        closed_on=row.closed_on,
        merged_into=None if row.merged_into is None else AgencyId(row.merged_into),
        parent_by_hand=row.parent_by_hand,
        telephone=row.telephone,
        address=row.address,
        version=row.version,
    )


def to_node(row: Any) -> Node:
    return Node(
        key=AgencyId(row.id),
        parent=None if row.parent_id is None else AgencyId(row.parent_id),
        kind=AgencyKind(row.kind),
        name=row.name,
        oid=row.oid,
        agency_code=row.agency_code,
        telephone=row.telephone,
        address=row.address,
        dn=row.dn,
        listed_name=row.listed_name,
        closed_on=row.closed_on,
        parent_by_hand=row.parent_by_hand,
    )
