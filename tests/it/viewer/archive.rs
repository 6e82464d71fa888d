//! An archive that is written by hand, the same on either engine, to the key.

use std::time::Duration;

use convault::{
    clock::Clock,
    model::{
        ConversationCounts, ConversationId, ConversationKey, ConversationState, Failure,
        FailureClass, Location, Message, MessageCounts, MessageId, RequestCounts, RunId,
        RunOutcome, RunReport, SharedContact, Timestamp,
    },
    normalize,
    store::{
        Batch, ConversationOutcome, PageWrite, RunLock, RunStart, SenderName, Store, StoreOptions,
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::{postgres, program::Engine};

/// 2026-07-01T08:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_millis(1_782_892_800_000);
pub(super) const ZONE: &str = "Asia/Hong_Kong";

/// Where an archive is.
pub(super) struct Place {
    pub(super) options: StoreOptions,
    _folder: Option<TempDir>,
}

impl Place {
    pub(super) fn new(engine: Engine) -> Self {
        let (url, schema, folder) = match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("a.db").display());
                (url, None, Some(folder))
            }
            Engine::Postgres => (postgres::url(), Some(postgres::fresh_name()), None),
        };
        let options = StoreOptions {
            url: url.parse().unwrap(),
            schema,
            lock_wait: Duration::from_secs(5),
            holder: "sync, pid 12 on anvil".to_owned(),
            clock: Clock::manual(START),
        };
        Self {
            options,
            _folder: folder,
        }
    }

    /// Opens it to write, with a run.
    pub(super) async fn write(&self) -> Writing {
        let (store, lock) = Store::open(&self.options).await.unwrap();
        store.keep_time_zone(Some(ZONE)).await.unwrap();
        let run = begin(&store).await;
        Writing { store, run, lock }
    }
}

async fn begin(store: &Store) -> RunId {
    let start = RunStart {
        command: "sync".into(),
        program_version: "0.1.0".into(),
        holder: "pid 12 on anvil".into(),
        started_at: START,
    };
    store.begin_run(&start).await.unwrap()
}

/// An archive that is being written.
pub(super) struct Writing {
    pub(super) store: Store,
    pub(super) run: RunId,
    lock: RunLock,
}

impl Writing {
    pub(super) async fn register(&self, ids: &[&str]) -> Vec<ConversationKey> {
        let ids: Vec<_> = ids.iter().map(|id| ConversationId::new(*id)).collect();
        self.store
            .register_conversations(self.run, &ids)
            .await
            .unwrap()
    }

    pub(super) async fn page(&self, page: PageWrite) {
        let batch = Batch {
            run: Some(self.run),
            pages: vec![page],
            ..Batch::default()
        };
        self.store.write(&batch).await.unwrap();
    }

    /// Messages that were seen some seconds after the start.
    pub(super) async fn messages(&self, key: ConversationKey, seen_s: u64, messages: Vec<Message>) {
        self.page(PageWrite {
            messages,
            ..PageWrite::of(key, START.plus(Duration::from_secs(seen_s)))
        })
        .await;
    }

    pub(super) async fn outcome(
        &self,
        key: ConversationKey,
        state: ConversationState,
        failure: Option<FailureClass>,
    ) {
        let reason = failure.map(|class| format!("it was {}", class.as_str()));
        let outcome = ConversationOutcome {
            conversation: key,
            state,
            reason: reason.clone(),
            failure: failure.map(|class| Failure {
                unlisted: None,
                class,
                reason: reason.unwrap(),
                occurred_at: START,
            }),
            checked_at: Some(START),
            messages: MessageCounts::default(),
            requests: 1,
            finished_at: START,
        };
        let batch = Batch {
            run: Some(self.run),
            outcomes: vec![outcome],
            ..Batch::default()
        };
        self.store.write(&batch).await.unwrap();
    }

    /// Ends the run and begins another.
    pub(super) async fn next_run(&mut self) {
        self.finish().await;
        self.run = begin(&self.store).await;
    }

    async fn finish(&self) {
        let report = RunReport {
            run_id: Some(self.run),
            outcome: RunOutcome::Incomplete,
            started_at: START,
            finished_at: START.plus(Duration::from_secs(90)),
            conversations: ConversationCounts::default(),
            messages: MessageCounts::default(),
            requests: RequestCounts::default(),
        };
        self.store.finish_run(self.run, &report).await.unwrap();
    }

    pub(super) async fn close(self) {
        self.store.describe_changes(|| false).await.unwrap();
        self.finish().await;
        self.store.close_synced().await.unwrap();
        drop(self.lock);
    }
}

/// A message of type text, as the gateway sends it.
pub(super) fn text(id: &str, from: &str, created: Option<u64>, words: &str) -> Message {
    message(id, from, created, "text", &json!({ "text": words }))
}

/// A message created some seconds after the start, or at an unreadable time.
pub(super) fn message(
    id: &str,
    from: &str,
    created: Option<u64>,
    kind: &str,
    content: &serde_json::Value,
) -> Message {
    let time = created.map(|seconds| START.plus(Duration::from_secs(seconds)).to_string());
    let raw = json!({
        "public_id": id, "organization_id": "org_1", "business_unit_id": "bu_1", "type": kind,
        "from": from, "content": content, "created_at": time, "updated_at": time,
    });
    normalize::message(&raw.to_string(), &ConversationId::new("conv"))
}

/// Ids that are hard to put into a link, or to read.
pub(super) const IDS: [&str; 7] = [
    "conv_1",
    "a/b/../c",
    "100%25 & <b>\"quoted\"</b>",
    "'; drop table messages; --",
    "..",
    "退款 🙂",
    "מזהה",
];

/// Words that look like markup.
pub(super) const HOSTILE: &str = "</div><script>alert('x')</script><img src=x onerror=alert(1)>";

/// An archive with something of everything.
pub(super) async fn of_everything(place: &Place) {
    let mut writing = place.write().await;
    let keys = writing.register(&IDS).await;
    writing.messages(keys[0], 1, first_states()).await;
    for (number, key) in keys.iter().enumerate().skip(1) {
        let messages = vec![
            text(IDS[number], "con_1", Some(60), HOSTILE),
            text("m/2 \"?&#", "u_1", Some(61), "مرحبا، كيف يمكننا المساعدة؟"),
        ];
        writing.messages(*key, 1, messages).await;
    }
    writing.next_run().await;
    let edited = vec![
        text(
            "m_edited",
            "u_1",
            Some(10),
            "your order 13 is late, 我不想退款",
        ),
        text("m_far", "u_1", Some(200_000), "days later"),
    ];
    writing.messages(keys[0], 600, edited).await;
    let gone = vec![MessageId::new("m_gone")];
    let absent = |seconds, first: bool| PageWrite {
        absent: if first { gone.clone() } else { Vec::new() },
        absent_again: if first { Vec::new() } else { gone.clone() },
        deleted: if first { Vec::new() } else { gone.clone() },
        ..PageWrite::of(keys[0], START.plus(Duration::from_secs(seconds)))
    };
    writing.page(absent(700, true)).await;
    writing.next_run().await;
    writing.page(absent(9_000, false)).await;
    writing
        .outcome(keys[0], ConversationState::Complete, None)
        .await;
    let gone = Some(FailureClass::Gone);
    writing
        .outcome(keys[1], ConversationState::Gone, gone)
        .await;
    let timeout = Some(FailureClass::Timeout);
    writing
        .outcome(keys[2], ConversationState::Failed, timeout)
        .await;
    let name = |id: &str, name: &str, team: Option<&str>| SenderName {
        id: id.to_owned(),
        name: name.to_owned(),
        is_bot: Some(None),
        team: team.map(|team| Some(team.to_owned())),
    };
    let names = [
        name("u_1", "Ada <b>", Some("Orders & \"Returns\"")),
        name("con_1", "陳大文", None),
    ];
    writing.store.import_names(&names).await.unwrap();
    writing.close().await;
}

/// One message of each look.
fn first_states() -> Vec<Message> {
    let options = json!({ "text": "Which colour?", "quick_replies": [
        { "id": "1", "content_type": "text", "title": "Blue", "payload": "blue" },
        { "id": "2", "content_type": "text", "title": "Red", "payload": "red" },
    ]});
    let choice = json!({ "title": "Red", "payload": "red" });
    let file = json!({ "url": "https://files.example/a/b.png?x=1", "caption": "看這裡" });
    let bad_file = json!({ "url": "javascript:alert(1)" });
    let mut place = text("m_place", "con_1", Some(50), "here I am");
    place.location = Some(Box::new(Location {
        latitude: Some(22.302_711),
        longitude: Some(-114.177_216),
        name: Some("Harbour".into()),
        address: Some("1 Road".into()),
    }));
    let mut card = text("m_card", "con_1", Some(51), "call her");
    card.shared_contacts = vec![SharedContact {
        position: 0,
        name: Some("Bea".into()),
        phone_number: Some("+852 1234".into()),
        email: Some("bea@example.org".into()),
    }];
    vec![
        text(
            "m_edited",
            "u_1",
            Some(10),
            "your order 12 is late, 我想退款",
        ),
        text("m_gone", "con_1", Some(11), "forget this"),
        message("m_offer", "u_bot", Some(20), "response", &options),
        message("m_choice", "con_1", Some(30), "quick_reply", &choice),
        message("m_file", "con_1", Some(40), "image", &file),
        message("m_bad_file", "con_1", Some(41), "file", &bad_file),
        place,
        card,
        message(
            "m_odd",
            "somebody",
            Some(52),
            "hologram",
            &json!({ "beam": 1 }),
        ),
        text("m_untimed", "con_1", None, "nobody knows when"),
        text("m_long", "con_1", Some(55), &"long ".repeat(3_000)),
    ]
}
