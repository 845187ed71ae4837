"""The field's names: generation and applied generation, one-time actions, held changes, a binding's address and parent."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = (
    ("outbox", "wanted", "generation"),
    ("outbox", "done", "applied_generation"),
    ("outbox", "begun", "in_flight"),
    ("outbox", "wanted_at", "requested_at"),
    ("outbox", "done_at", "applied_at"),
    ("sync_run_rows", "wanted", "generation"),
    ("bindings", "place", "address"),
    ("bindings", "within", "parent_id"),
    ("effect_changes", "effect_id", "held_id"),
)
TABLES = (
    ("acts", "one_time_actions"),
    ("effects", "held_changes"),
    ("effect_changes", "held_change_accounts"),
)
SEQUENCES = (("acts_number_seq", "one_time_actions_number_seq"),)
INDEXES = (
    ("ix_outbox_done_at", "ix_outbox_applied_at"),
    ("ix_acts_account", "ix_one_time_actions_account"),
    ("ix_bindings_within", "ix_bindings_parent_id"),
    ("ix_effects_state", "ix_held_changes_state"),
)
CONSTRAINTS = (
    ("outbox", "ck_outbox_done_not_ahead", "ck_outbox_applied_not_ahead"),
    ("one_time_actions", "pk_acts", "pk_one_time_actions"),
    ("one_time_actions", "ck_acts_state", "ck_one_time_actions_state"),
    ("one_time_actions", "fk_acts_account_id", "fk_one_time_actions_account_id"),
    ("held_changes", "pk_effects", "pk_held_changes"),
    ("held_changes", "ck_effects_state", "ck_held_changes_state"),
    ("held_changes", "fk_effects_requested_by", "fk_held_changes_requested_by"),
    ("held_changes", "fk_effects_decided_by", "fk_held_changes_decided_by"),
    ("held_change_accounts", "pk_effect_changes", "pk_held_change_accounts"),
    ("held_change_accounts", "fk_effect_changes_account_id", "fk_held_change_accounts_account_id"),
    ("held_change_accounts", "fk_effect_changes_effect_id", "fk_held_change_accounts_held_id"),
)

# PostgreSQL 18 names its NOT NULL constraints after table and column, and keeps those names; older ones have none.
NAME_NOT_NULLS = """
DO $$
DECLARE it record;
BEGIN
    FOR it IN
        SELECT conrelid::regclass AS named, conname, relname || '_' || attname || '_not_null' AS expected
          FROM pg_constraint
          JOIN pg_class ON pg_class.oid = conrelid
          JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
         WHERE contype = 'n' AND connamespace = 'public'::regnamespace
    LOOP
        IF it.conname <> it.expected THEN
            EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', it.named, it.conname, it.expected);
        END IF;
    END LOOP;
END $$
"""


def upgrade() -> None:
    for table, old, new in COLUMNS:
        op.alter_column(table, old, new_column_name=new)
    for old, new in TABLES:
        op.rename_table(old, new)
    for old, new in SEQUENCES:
        op.execute(f"ALTER SEQUENCE {old} RENAME TO {new}")
    for old, new in INDEXES:
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
    for table, old, new in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    op.execute(NAME_NOT_NULLS)


def downgrade() -> None:
    for table, old, new in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {new} TO {old}")
    for old, new in INDEXES:
        op.execute(f"ALTER INDEX {new} RENAME TO {old}")
    for old, new in SEQUENCES:
        op.execute(f"ALTER SEQUENCE {new} RENAME TO {old}")
    for old, new in TABLES:
        op.rename_table(new, old)
    for table, old, new in COLUMNS:
        op.alter_column(table, new, new_column_name=old)
    op.execute(NAME_NOT_NULLS)
