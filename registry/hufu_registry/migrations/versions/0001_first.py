"""The first release's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ANCESTOR_PATHS = """
CREATE FUNCTION ancestor_paths(path text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(array_to_string((string_to_array(path, '.'))[1:step], '.') COLLATE "C")
  FROM generate_series(1, cardinality(string_to_array(path, '.'))) AS step
$$
"""


def upgrade() -> None:
    op.execute(ANCESTOR_PATHS)
    op.execute(sa.schema.CreateSequence(sa.Sequence("case_numbers", start=1001)))
    op.create_table(
        "agencies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column("home_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("oid", sa.Text(), nullable=True),
        sa.Column("agency_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("search_path", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("listed_name", sa.Text(), nullable=True),
        sa.Column("telephone", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("dn", sa.Text(), server_default="", nullable=False),
        sa.Column("mail_domains", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("parent_by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("source", sa.Text(), server_default="hand", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind <> 'unit' OR home_id <> id", name=op.f("ck_agencies_unit_has_home")),
        sa.CheckConstraint(
            "kind IN ('agency','unit','locality','placeholder','school')", name=op.f("ck_agencies_kind")
        ),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_agencies_not_its_own_parent")),
        sa.ForeignKeyConstraint(["home_id"], ["agencies.id"], name=op.f("fk_agencies_home_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["agencies.id"], name=op.f("fk_agencies_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agencies")),
        sa.UniqueConstraint("id", "path", name=op.f("uq_agencies_id_path")),
        sa.UniqueConstraint("oid", name=op.f("uq_agencies_oid")),
        sa.UniqueConstraint("path", name=op.f("uq_agencies_path")),
    )
    op.create_index("ix_agencies_parent_id", "agencies", ["parent_id"], unique=False)
    op.create_table(
        "audit_records",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("old", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("new", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_records")),
    )
    op.create_index("ix_audit_records_object", "audit_records", ["object_kind", "object_id", "id"], unique=False)
    op.create_table(
        "bindings",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "object_id", name=op.f("pk_bindings")),
        sa.UniqueConstraint("target", "remote_id", name=op.f("uq_bindings_target_remote_id")),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("fields_sealed", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_kept_at"), "drafts", ["kept_at"], unique=False)
    op.create_table(
        "drifts",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "object_id", "field", name=op.f("pk_drifts")),
    )
    op.create_table(
        "feed_cursors",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed_cursors")),
    )
    op.create_table(
        "mailbox_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("browser_key", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("mailbox_key", sa.Text(), nullable=False),
        sa.Column("mailbox_sealed", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_codes")),
    )
    op.create_index("ix_mailbox_codes_browser", "mailbox_codes", ["browser_key", "purpose", "sent_at"], unique=False)
    op.create_index("ix_mailbox_codes_mailbox", "mailbox_codes", ["mailbox_key", "sent_at"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_table(
        "outbox",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bulk", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("done <= wanted", name=op.f("ck_outbox_done_not_ahead")),
        sa.PrimaryKeyConstraint("target", "kind", "object_id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["target", "bulk", "next_at"],
        unique=False,
        postgresql_where=sa.text("wanted > done"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "taken_names",
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name_key", name=op.f("pk_taken_names")),
    )
    op.create_table(
        "target_health",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_target_health")),
    )
    op.create_table(
        "written_fields",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "object_id", "field", name=op.f("pk_written_fields")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_path", sa.Text(collation="C"), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_name", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("extension", sa.Text(), server_default="", nullable=False),
        sa.Column("mobile_sealed", sa.Text(), server_default="", nullable=False),
        sa.Column("mobile_key", sa.Text(), nullable=True),
        sa.Column("mailbox_sealed", sa.Text(), nullable=False),
        sa.Column("mailbox_key", sa.Text(), nullable=False),
        sa.Column("official_mail", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('not_activated','enabled','disabled','deleted')", name=op.f("ck_accounts_state")),
        sa.ForeignKeyConstraint(
            ["agency_id", "agency_path"],
            ["agencies.id", "agencies.path"],
            name="fk_accounts_agency",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_accounts_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["agencies.id"], name=op.f("fk_accounts_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index("ix_accounts_agency_path", "accounts", ["agency_path"], unique=False)
    op.create_index(op.f("ix_accounts_mailbox_key"), "accounts", ["mailbox_key"], unique=False)
    op.create_index(op.f("ix_accounts_mobile_key"), "accounts", ["mobile_key"], unique=False)
    op.create_index(
        "ix_accounts_not_activated",
        "accounts",
        ["approved_at"],
        unique=False,
        postgresql_where=sa.text("state = 'not_activated'"),
    )
    op.create_index(op.f("ix_accounts_person_id"), "accounts", ["person_id"], unique=False)
    op.create_index(
        "uq_accounts_name_key", "accounts", ["name_key"], unique=True, postgresql_where=sa.text("state <> 'deleted'")
    )
    op.create_table(
        "agency_names",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("oid", sa.Text(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("name IS NOT NULL OR oid IS NOT NULL", name=op.f("ck_agency_names_says_something")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_agency_names_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_names")),
        sa.UniqueConstraint(
            "agency_id",
            "name",
            "oid",
            "until",
            name=op.f("uq_agency_names_agency_id_name_oid_until"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_agency_names_agency_id"), "agency_names", ["agency_id"], unique=False)
    op.create_table(
        "acts",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("times", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state IN ('waiting','done','failed')", name=op.f("ck_acts_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_acts_account_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_account", "acts", ["account_id", "number"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_path", sa.Text(collation="C"), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("mobile_sealed", sa.Text(), nullable=False),
        sa.Column("mobile_key", sa.Text(), nullable=False),
        sa.Column("wants_official_mail", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mailbox_sealed", sa.Text(), nullable=False),
        sa.Column("mailbox_key", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("consent_version", sa.Text(), nullable=False),
        sa.Column("form_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("collision", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "(state IN ('approved','rejected')) = (decided_at IS NOT NULL)", name=op.f("ck_cases_decided")
        ),
        sa.CheckConstraint("state IN ('pending','approved','rejected','withdrawn')", name=op.f("ck_cases_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_cases_account_id")),
        sa.ForeignKeyConstraint(
            ["agency_id", "agency_path"], ["agencies.id", "agencies.path"], name="fk_cases_agency", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_cases_decided_by")),
        sa.ForeignKeyConstraint(["unit_id"], ["agencies.id"], name=op.f("fk_cases_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("account_id", name=op.f("uq_cases_account_id")),
        sa.UniqueConstraint("form_key", name=op.f("uq_cases_form_key")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_mailbox_key"), "cases", ["mailbox_key"], unique=False)
    op.create_index(op.f("ix_cases_mobile_key"), "cases", ["mobile_key"], unique=False)
    op.create_index(
        "ix_cases_queue",
        "cases",
        ["agency_path", "created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "uq_cases_open_mailbox", "cases", ["mailbox_key"], unique=True, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_table(
        "console_sessions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("keycloak_sid", sa.Text(), nullable=False),
        sa.Column("id_token_sealed", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_console_sessions_account_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_console_sessions")),
    )
    op.create_index(op.f("ix_console_sessions_account_id"), "console_sessions", ["account_id"], unique=False)
    op.create_index(op.f("ix_console_sessions_keycloak_sid"), "console_sessions", ["keycloak_sid"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("agency_path", sa.Text(collation="C"), nullable=True),
        sa.Column("with_subordinates", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(role = 'system_manager') = (agency_id IS NULL)", name=op.f("ck_grants_agency_of_role")),
        sa.CheckConstraint("role IN ('agency_manager','system_manager')", name=op.f("ck_grants_role")),
        sa.CheckConstraint("(agency_id IS NULL) = (agency_path IS NULL)", name=op.f("ck_grants_path_of_agency")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_grants_account_id")),
        sa.ForeignKeyConstraint(
            ["agency_id", "agency_path"], ["agencies.id", "agencies.path"], name="fk_grants_agency", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(
        "ix_grants_agency_id", "grants", ["agency_id"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index(
        "uq_grants_in_force",
        "grants",
        ["account_id", "role", "agency_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "sign_in_records",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sign_in_records_account_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_sign_in_records")),
    )
    op.create_index("ix_sign_in_records_account", "sign_in_records", ["account_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_sign_in_records_account", table_name="sign_in_records")
    op.drop_table("sign_in_records")
    op.drop_index(
        "uq_grants_in_force",
        table_name="grants",
        postgresql_where=sa.text("ended_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("ix_grants_agency_id", table_name="grants", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("grants")
    op.drop_index(op.f("ix_console_sessions_keycloak_sid"), table_name="console_sessions")
    op.drop_index(op.f("ix_console_sessions_account_id"), table_name="console_sessions")
    op.drop_table("console_sessions")
    op.drop_index("uq_cases_open_mailbox", table_name="cases", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("ix_cases_queue", table_name="cases", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index(op.f("ix_cases_mobile_key"), table_name="cases")
    op.drop_index(op.f("ix_cases_mailbox_key"), table_name="cases")
    op.drop_table("cases")
    op.drop_index("ix_acts_account", table_name="acts")
    op.drop_table("acts")
    op.drop_index(op.f("ix_agency_names_agency_id"), table_name="agency_names")
    op.drop_table("agency_names")
    op.drop_index("uq_accounts_name_key", table_name="accounts", postgresql_where=sa.text("state <> 'deleted'"))
    op.drop_index(op.f("ix_accounts_person_id"), table_name="accounts")
    op.drop_index(
        "ix_accounts_not_activated", table_name="accounts", postgresql_where=sa.text("state = 'not_activated'")
    )
    op.drop_index(op.f("ix_accounts_mobile_key"), table_name="accounts")
    op.drop_index(op.f("ix_accounts_mailbox_key"), table_name="accounts")
    op.drop_index("ix_accounts_agency_path", table_name="accounts")
    op.drop_table("accounts")
    op.drop_table("written_fields")
    op.drop_table("target_health")
    op.drop_table("taken_names")
    op.drop_table("people")
    op.drop_index("ix_outbox_due", table_name="outbox", postgresql_where=sa.text("wanted > done"))
    op.drop_table("outbox")
    op.drop_table("notices")
    op.drop_index("ix_mailbox_codes_mailbox", table_name="mailbox_codes")
    op.drop_index("ix_mailbox_codes_browser", table_name="mailbox_codes")
    op.drop_table("mailbox_codes")
    op.drop_table("feed_cursors")
    op.drop_table("drifts")
    op.drop_index(op.f("ix_drafts_kept_at"), table_name="drafts")
    op.drop_table("drafts")
    op.drop_table("bindings")
    op.drop_index("ix_audit_records_object", table_name="audit_records")
    op.drop_table("audit_records")
    op.drop_index("ix_agencies_parent_id", table_name="agencies")
    op.drop_table("agencies")
    op.execute(sa.schema.DropSequence(sa.Sequence("case_numbers")))
    op.execute("DROP FUNCTION ancestor_paths(text)")
