"""The sync engine whole: held effects, drift with its values, runs, steps, locks, pauses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "applied_steps",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), server_default="", nullable=False),
        sa.Column("destructive", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_applied_steps")),
    )
    op.create_index(
        "ix_applied_steps_destructive",
        "applied_steps",
        ["target", "at"],
        unique=False,
        postgresql_where=sa.text("destructive"),
    )
    op.create_index("ix_applied_steps_object", "applied_steps", ["kind", "object_id", "at"], unique=False)
    op.create_table(
        "change_cursors",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_change_cursors")),
    )
    op.create_table(
        "queue_samples",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("retrying", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("target", "at", name=op.f("pk_queue_samples")),
    )
    op.create_table(
        "registry_identity",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_identity")),
    )
    op.create_table(
        "effects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("command", postgresql.JSONB(), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('held','executed','cancelled','failed')", name=op.f("ck_effects_state")),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_effects_decided_by")),
        sa.ForeignKeyConstraint(["requested_by"], ["accounts.id"], name=op.f("fk_effects_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
    )
    op.create_index("ix_effects_state", "effects", ["state", "requested_at"], unique=False)
    op.create_table(
        "sign_in_locks",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sign_in_locks_account_id")),
        sa.PrimaryKeyConstraint("account_id", "source", name=op.f("pk_sign_in_locks")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objects", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("differing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body_sealed", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("kind IN ('comparison','changes','bulk','plan')", name=op.f("ck_sync_runs_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sync_runs_account_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_sync_runs_agency_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["sync_runs.id"], name=op.f("fk_sync_runs_plan_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["accounts.id"], name=op.f("fk_sync_runs_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_sync_runs_plan_id")),
    )
    op.create_index("ix_sync_runs_started_at", "sync_runs", ["started_at"], unique=False)
    op.create_index(
        "ix_sync_runs_open",
        "sync_runs",
        ["kind", "started_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "effect_changes",
        sa.Column("effect_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_name", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_effect_changes_account_id")),
        sa.ForeignKeyConstraint(
            ["effect_id"], ["effects.id"], name=op.f("fk_effect_changes_effect_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("effect_id", "position", name=op.f("pk_effect_changes")),
    )
    op.create_table(
        "sync_run_rows",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], name=op.f("fk_sync_run_rows_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "target", "kind", "object_id", name=op.f("pk_sync_run_rows")),
    )
    op.add_column("accounts", sa.Column("kind", sa.Text(), server_default="personal", nullable=False))
    op.add_column("accounts", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_accounts_kind"), "accounts", "kind IN ('personal','shared')")
    op.add_column("agencies", sa.Column("merged_into", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_agencies_merged_into"), "agencies", "agencies", ["merged_into"], ["id"])
    op.create_check_constraint(
        op.f("ck_agencies_merged_is_closed"), "agencies", "merged_into IS NULL OR closed_on IS NOT NULL"
    )
    op.add_column("acts", sa.Column("target", sa.Text(), server_default="keycloak", nullable=False))
    op.add_column("bindings", sa.Column("within", sa.Text(), nullable=True))
    op.create_index("ix_bindings_within", "bindings", ["target", "within"], unique=False)
    for kind, table, column in (("account", "accounts", "agency_id"), ("agency", "agencies", "parent_id")):
        op.execute(
            f"""
            UPDATE bindings SET within = place.remote_id FROM {table} it, bindings place
            WHERE bindings.kind = '{kind}' AND bindings.object_id = it.id::text
              AND place.target = bindings.target AND place.kind = 'agency' AND place.object_id = it.{column}::text
            """  # noqa: S608 - the names stand above
        )
    # What differs is found again by the next comparison, and then with its values.
    op.execute("DELETE FROM drifts")
    op.add_column("drifts", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False))
    op.add_column("drifts", sa.Column("there_sealed", sa.Text(), server_default="", nullable=False))
    op.add_column("drifts", sa.Column("wanted_sealed", sa.Text(), server_default="", nullable=False))
    op.add_column("drifts", sa.Column("ignored_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_drifts_since", "drifts", ["since"], unique=False)
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["target", "bulk", "next_at", "object_id"],
        unique=False,
        postgresql_where=sa.text("wanted > done"),
    )
    op.create_index("ix_outbox_done_at", "outbox", ["target", "done_at"], unique=False)
    op.add_column("target_health", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("target_health", sa.Column("paused_by", sa.Uuid(), nullable=True))
    op.add_column("target_health", sa.Column("paused_why", sa.Text(), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_target_health_paused_by"), "target_health", "accounts", ["paused_by"], ["id"])
    op.execute("INSERT INTO registry_identity DEFAULT VALUES")


def downgrade() -> None:
    op.drop_index("ix_bindings_within", table_name="bindings")
    op.drop_column("bindings", "within")
    op.drop_constraint(op.f("fk_target_health_paused_by"), "target_health", type_="foreignkey")
    op.drop_column("target_health", "paused_why")
    op.drop_column("target_health", "paused_by")
    op.drop_column("target_health", "paused_at")
    op.drop_index("ix_outbox_done_at", table_name="outbox")
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["target", "bulk", "next_at"],
        unique=False,
        postgresql_where=sa.text("wanted > done"),
    )
    op.drop_index("ix_drifts_since", table_name="drifts")
    op.drop_column("drifts", "ignored_until")
    op.drop_column("drifts", "wanted_sealed")
    op.drop_column("drifts", "there_sealed")
    op.drop_column("drifts", "seen_at")
    op.drop_column("acts", "target")
    op.drop_constraint(op.f("ck_agencies_merged_is_closed"), "agencies")
    op.drop_constraint(op.f("fk_agencies_merged_into"), "agencies", type_="foreignkey")
    op.drop_column("agencies", "merged_into")
    op.drop_column("accounts", "deleted_at")
    op.drop_constraint(op.f("ck_accounts_kind"), "accounts")
    op.drop_column("accounts", "kind")
    op.drop_table("sync_run_rows")
    op.drop_table("effect_changes")
    op.drop_index("ix_sync_runs_open", table_name="sync_runs", postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_index("ix_sync_runs_started_at", table_name="sync_runs")
    op.drop_table("sync_runs")
    op.drop_table("sign_in_locks")
    op.drop_index("ix_effects_state", table_name="effects")
    op.drop_table("effects")
    op.drop_table("registry_identity")
    op.drop_table("queue_samples")
    op.drop_table("change_cursors")
    op.drop_index("ix_applied_steps_object", table_name="applied_steps")
    op.drop_index("ix_applied_steps_destructive", table_name="applied_steps", postgresql_where=sa.text("destructive"))
    op.drop_table("applied_steps")
