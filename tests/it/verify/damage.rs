//! One damage at a time, by SQL on a copy: each gives its finding, and no other.

use super::{
    place::{Copy, Lived},
    rewritten, structure,
};
use crate::program::Engine;

/// A damage, and what is said of it.
pub(super) struct Damage {
    sql: &'static str,
    /// The checks that find it, in the order of the alphabet, with a space between.
    check: &'static str,
    /// `table.column` of one finding at least; empty for the archive.
    place: &'static str,
}

pub(super) const fn damage(check: &'static str, place: &'static str, sql: &'static str) -> Damage {
    Damage { sql, check, place }
}

const DAMAGES: &[Damage] = &[
    damage(
        "references",
        "senders.first_seen_run",
        "update senders set first_seen_run = 999 where id = (select min(id) from senders)",
    ),
    damage(
        "references",
        "absences.message_key",
        "insert into absences (message_key, strike, run_id, sent_at)
         values (99999, 1, 1, '2025-01-01T00:00:00.000Z')",
    ),
    damage(
        "references",
        "anomalies.version",
        "insert into anomalies (message_key, version, position, kind, path, detail)
         values (1, 9, 0, 'too_deep', '', 'x')",
    ),
    damage(
        "state",
        "conversations.reason",
        "update conversations set reason = 'x' where key = 1",
    ),
    damage(
        "state",
        "conversations.state",
        "update failures set resolved_run = 1 where class = 'gone'",
    ),
    damage(
        "state",
        "conversations.state",
        "insert into failures (key, run_id, conversation_key, class, reason, occurred_at)
         values (99, 1, 1, 'server', 'x', '2025-01-01T00:00:00.000Z')",
    ),
    damage(
        "state",
        "conversations.state",
        "update conversations set state = 'perfect' where key = 1",
    ),
    damage(
        "live_count",
        "conversations.live_count",
        "update conversations set live_count = live_count - 1 where key = 1",
    ),
    damage(
        "ledger_shape",
        "coverage_pieces.position",
        "update coverage_pieces set position = position + 5 where conversation_key = 1 and layer = 0",
    ),
    damage(
        "ledger_shape",
        "coverage_pieces.before_time",
        "update coverage_pieces set after_time = '2020-01-01T00:00:00.000Z',
                before_time = '2019-01-01T00:00:00.000Z'
         where conversation_key = 1 and layer = 0 and position = 0",
    ),
    damage(
        "ledger_shape",
        "coverage_pieces.after_time",
        "update coverage_pieces set after_time = null
         where conversation_key = 1 and layer = 0 and position = 1",
    ),
    damage(
        "ledger_cover",
        "coverage_pieces",
        "update coverage_pieces set before_time = '2001-01-01T00:00:00.000Z'
         where conversation_key = 1 and layer = 0 and position = 0",
    ),
    damage(
        "ledger_cover",
        "conversations.tail_proof",
        "update conversations set tail_proof = null where key = 1",
    ),
    damage(
        "ledger_proof",
        "conversation_proofs.proven_at",
        "update conversation_proofs set proven_at = '2025-02-01T12:34:56.000Z'
         where conversation_key = 1",
    ),
    damage(
        "ledger_proof",
        "conversation_proofs.horizon",
        "update conversation_proofs set horizon = '2031-01-01T00:00:00.000Z'
         where conversation_key = 1",
    ),
    damage(
        "ledger_rows",
        "coverage_pieces.after_time",
        "update coverage_pieces set before_time = '2001-01-01T00:00:00.001Z'
         where conversation_key = 1 and layer = 0 and position = 0;
         update coverage_pieces set after_time = '2001-01-01T00:00:00.000Z'
         where conversation_key = 1 and layer = 0 and position = 1",
    ),
    damage(
        "versions",
        "message_versions.version",
        "update message_versions set version = 7 where event = 'edited'",
    ),
    damage(
        "versions",
        "message_versions.event",
        "update message_versions set event = 'created' where event = 'edited';
         update runs set messages_new = messages_new + messages_changed, messages_changed = 0",
    ),
    damage(
        "versions",
        "message_versions",
        "delete from message_versions where message_key = 30;
         delete from anomalies where message_key = 30;
         update runs set messages_new = messages_new - 1 where id = 1",
    ),
    damage(
        "versions",
        "messages.first_seen_run",
        "update messages set first_seen_run = 2 where key = 1",
    ),
    damage(
        "versions",
        "messages.observed_at",
        "update messages set observed_at = '2001-01-01T00:00:00.000Z' where key = 1",
    ),
    damage(
        "raw_hash",
        "message_versions.sha256",
        "update message_versions set raw = raw || ' ' where message_key = 1",
    ),
    damage(
        "raw_hash",
        "message_versions.sha256",
        "update message_versions set sha256 = blob'00' where message_key = 1",
    ),
    damage(
        "raw_json",
        "message_versions.raw",
        "update message_versions set raw = '{', sha256 =
            blob'021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96'
         where message_key = 1",
    ),
    damage(
        "digest",
        "messages.digest",
        "update messages set digest = blob'00112233445566778899aabbccddeeff' where key = 1",
    ),
    damage(
        "search_index",
        "search_index",
        "update archive set indexed_to = indexed_to - 1",
    ),
    damage(
        "search_index",
        "search_index",
        "insert into search_long_messages (message_key) values (1)",
    ),
    damage(
        "tombstones",
        "absences.strike",
        "delete from absences where strike = 2",
    ),
    damage(
        "tombstones",
        "absences.strike",
        "delete from absences where strike = 1",
    ),
    damage(
        "tombstones",
        "absences.run_id",
        "update absences set run_id = 2 where strike = 2",
    ),
    damage(
        "tombstones",
        "absences.sent_at",
        "update absences set sent_at = '2001-01-01T00:00:00.000Z' where strike = 2",
    ),
    damage(
        "tombstones",
        "absences.after_time",
        "update absences set after_time = '2031-01-01T00:00:00.000Z' where strike = 1",
    ),
    damage(
        "tombstones",
        "messages.deleted_at",
        "update messages set deleted_at = '2025-02-01T12:34:56.000Z' where deleted_at is not null",
    ),
    damage(
        "tombstones",
        "messages.missing_run",
        "update messages set missing_run = null where deleted_at is not null",
    ),
    damage(
        "tombstones",
        "message_versions.event",
        "delete from message_versions where event = 'deleted';
         update runs set messages_deleted = 0",
    ),
    damage(
        "derived",
        "messages.text",
        "update messages set text = 'canary' where key = 1",
    ),
    damage(
        "derived",
        "messages.type",
        "update messages set type = null where key = 2",
    ),
    damage(
        "derived",
        "messages.updated_at",
        "update messages set updated_at = '2031-01-01T00:00:00.000Z' where key = 1",
    ),
    damage(
        "derived",
        "quick_replies.title",
        "update quick_replies set title = 'canary'",
    ),
    damage(
        "derived",
        "quick_reply_options.payload",
        "update quick_reply_options set payload = 'canary' where position = 1",
    ),
    damage(
        "derived",
        "quick_reply_options",
        "delete from quick_reply_options where position = 0",
    ),
    damage(
        "derived",
        "quick_reply_options",
        "insert into quick_reply_options (message_key, position) values (1, 77)",
    ),
    damage(
        "derived",
        "attachments.media_kind",
        "update attachments set media_kind = 'canary'",
    ),
    damage("derived", "attachments", "delete from attachments"),
    damage(
        "derived",
        "locations",
        "insert into locations (message_key, latitude) values (1, 22.5)",
    ),
    damage(
        "derived",
        "shared_contacts",
        "insert into shared_contacts (message_key, position, name) values (1, 0, 'canary')",
    ),
    damage(
        "derived",
        "template_variables",
        "insert into template_variables (message_key, position, value) values (1, 1, 'canary')",
    ),
    damage(
        "derived",
        "anomalies",
        "insert into anomalies (message_key, version, position, kind, path, detail)
         values (1, 1, 0, 'too_deep', '', 'canary')",
    ),
    damage(
        "derived",
        "senders.kind",
        "update senders set kind = 'contact' where kind = 'user'",
    ),
    damage("derived", "senders", "delete from senders"),
    damage(
        "runs",
        "runs.exit_code",
        "update runs set exit_code = 0 where id = 4",
    ),
    damage(
        "runs",
        "runs.messages_new",
        "update runs set messages_new = messages_new + 1 where id = 1",
    ),
    damage(
        "runs",
        "runs.outcome",
        "update runs set outcome = 'canary' where id = 1",
    ),
];

/// What the engine itself finds, and what no longer stands for anything.
fn damages_of(engine: Engine) -> &'static [Damage] {
    match engine {
        Engine::Sqlite => {
            const {
                &[
            damage(
                "integrity schema",
                "",
                "pragma writable_schema = on;
                 update sqlite_master set sql = replace(sql, 'reason          text,', 'reason text not null,')
                 where name = 'conversations';
                 pragma writable_schema = reset",
            ),
            damage(
                "readable",
                "messages",
                "update messages set updated_at = 'canary' where key = 1",
            ),
        ]
            }
        }
        Engine::Postgres => {
            const {
                &[damage(
                    "integrity schema",
                    "",
                    "alter table runs add constraint late check (id < 100) not valid",
                )]
            }
        }
    }
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) async fn each_damage_is_found_and_nothing_else(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    copy.keep().await;
    for damage in DAMAGES
        .iter()
        .chain(rewritten::EACH)
        .chain(damages_of(engine))
    {
        copy.restore().await;
        damage.assert_found(&copy).await;
    }
    copy.drop().await;
}

impl Damage {
    /// Does it to a sound copy: it is found, and nothing else is.
    pub(super) async fn assert_found(&self, copy: &Copy<'_>) {
        copy.execute(self.sql).await;
        let (json, code) = copy.verify().await;
        let sql = self.sql;
        assert_eq!(code, 7, "{sql}: {json}");
        let found: Vec<&String> = json["findings_by_check"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        let expected: Vec<&str> = self.check.split(' ').collect();
        assert_eq!(found, expected, "{sql}: {json:#}");
        let findings = json["findings"].as_array().unwrap();
        let places: Vec<String> = findings
            .iter()
            .map(
                |finding| match (text(&finding["table"]), text(&finding["column"])) {
                    (table, "") => table.to_owned(),
                    (table, column) => format!("{table}.{column}"),
                },
            )
            .collect();
        assert!(
            places.iter().any(|place| place == self.place),
            "{sql}: {places:?}"
        );
        for finding in findings {
            assert!(text(&finding["remedy"]).len() > 20, "{finding}");
            assert!(!text(&finding["expected"]).is_empty(), "{finding}");
        }
        assert!(!json.to_string().contains("canary"), "{json}");
    }
}

/// The rows that follow from the raw JSON are made to agree, so that only the choice is wrong.
pub(super) async fn an_older_state_that_was_made_the_current_one_is_found(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    copy.execute(
        "update messages set version = 1, observed_at =
            (select v.observed_at from message_versions v
             where v.message_key = messages.key and v.version = 1)
         where version = 2",
    )
    .await;
    assert_eq!(copy.run(&["renormalize"]).await.code, 0);
    let (json, code) = copy.verify().await;
    assert_eq!(code, 7, "{json}");
    assert_eq!(
        json["findings_by_check"],
        serde_json::json!({"current": 2}),
        "{json}"
    );
    assert_eq!(text(&json["findings"][0]["column"]), "version");
    copy.drop().await;
}

#[test]
fn every_offline_check_has_its_damage() {
    let damages = DAMAGES.iter().chain(rewritten::EACH);
    let damages = damages.chain(damages_of(Engine::Sqlite));
    let damages = damages.chain(structure::EACH);
    let tried: std::collections::BTreeSet<&str> =
        damages.flat_map(|damage| damage.check.split(' ')).collect();
    for check in convault::verify::Check::ALL {
        let word = check.as_str();
        let elsewhere = word.starts_with("online_") || word == "current"; // Claims of their own.
        assert!(elsewhere || tried.contains(word), "{word}");
    }
}
