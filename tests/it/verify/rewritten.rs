//! Damages by somebody who covers tracks: outcomes, times, what edits changed, the zone, the
//! dictionary and the record of migrations, each rewritten by itself.

use super::damage::{Damage, damage};

pub(super) const EACH: &[Damage] = &[
    damage(
        "runs",
        "runs.started_at",
        "update runs set started_at = '2099-01-01T00:00:00.000Z' where id = 5",
    ),
    damage(
        "runs",
        "run_conversations.state",
        "delete from run_conversations",
    ),
    damage(
        "runs",
        "conversations.last_run",
        "update conversations set last_run = 1 where state = 'gone'",
    ),
    damage(
        "state",
        "conversations.state",
        "update conversations set state = 'complete', reason = null where state = 'gone';
         update failures set resolved_run = 4 where class = 'gone'",
    ),
    damage(
        "ledger_cover state",
        "conversations.state",
        "update conversations set state = 'complete', reason = null where last_run = 7;
         update failures set resolved_run = 7 where run_id = 7",
    ),
    damage(
        "ledger_cover runs state",
        "run_conversations.state",
        "update conversations set state = 'complete', reason = null where last_run = 7;
         delete from run_conversations where run_id = 7",
    ),
    damage(
        "ledger_cover",
        "coverage_pieces",
        "update conversations set state = 'complete', reason = null where last_run = 6;
         insert into conversation_proofs (conversation_key, checked_at, proven_at, horizon)
         select key, '2025-02-01T00:00:00.000Z', '2025-02-01T00:00:00.000Z',
                '2025-02-01T00:00:00.000Z'
         from conversations where last_run = 6
         on conflict (conversation_key) do update set proven_at = excluded.proven_at",
    ),
    damage(
        "derived",
        "message_changes.path",
        "update message_changes set path = 'canary' where position = 0",
    ),
    damage(
        "derived",
        "message_changes.before",
        "update message_changes set before = 'canary'",
    ),
    damage("derived", "message_changes", "delete from message_changes"),
    damage(
        "derived",
        "message_changes",
        "insert into message_changes (message_key, version, position, path, before, after)
         values (1, 1, 0, 'canary', null, 'canary')",
    ),
    damage(
        "time_zone",
        "time_zone_offsets.offset_seconds",
        "update time_zone_offsets set offset_seconds = offset_seconds + 3600",
    ),
    damage(
        "time_zone",
        "time_zone_offsets.offset_seconds",
        "delete from time_zone_offsets",
    ),
    damage(
        "schema",
        "data_dictionary",
        "update data_dictionary set meaning = 'Nothing.'
         where object = 'v_messages' and column_name = 'text'",
    ),
    damage(
        "schema",
        "data_dictionary",
        "delete from data_dictionary where object = 'v_messages'",
    ),
    damage(
        "schema",
        "",
        "update _sqlx_migrations set checksum = blob'00' where version = 2",
    ),
    damage(
        "schema",
        "",
        "delete from _sqlx_migrations where version = 2",
    ),
    damage(
        "times",
        "message_versions.recorded_at",
        "update message_versions set recorded_at = '1999-01-01T00:00:00.000Z'
         where message_key = 1",
    ),
    damage(
        "times",
        "message_versions.recorded_at",
        "update message_versions set recorded_at = '2099-01-01T00:00:00.000Z'
         where message_key = 1",
    ),
    damage(
        "times",
        "message_versions.observed_at",
        "update message_versions set observed_at = '2099-01-01T00:00:00.000Z'
         where message_key = 1;
         update messages set observed_at = '2099-01-01T00:00:00.000Z' where key = 1",
    ),
    damage(
        "times",
        "messages.observed_at",
        "update messages set observed_at = '2099-01-01T00:00:00.000Z' where key = 1",
    ),
    damage(
        "times",
        "absences.sent_at",
        "update absences set sent_at = '2099-01-01T00:00:00.000Z' where strike = 2",
    ),
    damage(
        "times",
        "coverage_pieces.sent_at",
        "update coverage_pieces set sent_at = '2099-01-01T00:00:00.000Z'
         where conversation_key = 1 and layer = 0 and before_time is null",
    ),
    damage(
        "times",
        "conversation_proofs.checked_at",
        "update conversation_proofs set checked_at = '2099-01-01T00:00:00.000Z'
         where conversation_key = 1",
    ),
    damage(
        "times",
        "run_conversations.finished_at",
        "update run_conversations set finished_at = '1999-01-01T00:00:00.000Z' where run_id = 1",
    ),
];
