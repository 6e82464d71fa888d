//! The archive that the cookbook asks: that of `convault demo`, twice (once on each engine), a
//! day and two days on, with edits, deletions, new messages, a conversation that is not there, and
//! names for the people who answer. The clock is a manual one, so every time is the same each time.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use convault::{
    api::{Gateway, GatewayOptions, Rate},
    clock::Clock,
    model::{ConversationId, Timestamp},
    monitor::Monitor,
    simulator::{CorpusOptions, Faults, Mutation, Simulator, SimulatorOptions},
    store::{SenderName, Store, StoreOptions},
    sync::{self, Input, Shutdown, SyncOptions},
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::{migrated::Archive, postgres};

/// 2026-07-01T08:00:00Z, the day after the demo's last message.
const START: Timestamp = Timestamp::from_millis(1_782_892_800_000);
const DAY: Duration = Duration::from_hours(24);
const ZONE: &str = "Asia/Hong_Kong";
/// Listed, and not of this gateway.
const UNKNOWN: &str = "conv_of_the_old_system";

/// Names for those who answer, busiest first, with their teams.
const NAMES: [(&str, &str); 12] = [
    ("Ada", "Orders"),
    ("Bea", "Orders"),
    ("Cho", "Returns"),
    ("Dev", "Returns"),
    ("Eve", "Orders"),
    ("Fay", "Returns"),
    ("Gus", "Orders"),
    ("Hal", "Orders"),
    ("Ivy", "Returns"),
    ("Jin", "Returns"),
    ("Kay", "Orders"),
    ("Lou", "Returns"),
];

/// The same archive on both engines.
pub(crate) struct Both {
    folder: TempDir,
    schema: String,
}

impl Both {
    pub(crate) async fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schema = postgres::fresh_name();
        let clock = Clock::manual(START);
        let simulator = Simulator::start(SimulatorOptions {
            corpus: CorpusOptions {
                seed: 1,
                ..CorpusOptions::default()
            },
            faults: Faults::default(),
            clock: clock.clone(),
            ..SimulatorOptions::default()
        })
        .await
        .unwrap();
        let both = Self { folder, schema };
        both.sync(&simulator, &clock).await;
        clock.advance(DAY);
        change(&simulator);
        both.sync(&simulator, &clock).await;
        clock.advance(DAY);
        both.sync(&simulator, &clock).await;
        for options in both.places(&clock) {
            let (store, _lock) = Store::open(&options).await.unwrap();
            store.keep_time_zone(Some(ZONE)).await.unwrap();
            store.import_names(&names(&store).await).await.unwrap();
            store.close().await;
        }
        simulator.stop().await;
        both
    }

    /// The name of each engine, and the arguments that name its archive to the program.
    pub(crate) fn addresses(&self) -> [(&'static str, Vec<String>); 2] {
        let sqlite = vec![
            "--db".to_owned(),
            format!("sqlite:{}", self.file().display()),
        ];
        let postgres = ["--db", &postgres::url(), "--db-schema", &self.schema];
        let postgres = postgres.map(ToOwned::to_owned).to_vec();
        [("sqlite", sqlite), ("postgres", postgres)]
    }

    fn places(&self, clock: &Clock) -> [StoreOptions; 2] {
        let place = |url: String, schema: Option<String>| StoreOptions {
            url: url.parse().unwrap(),
            schema,
            lock_wait: Duration::from_secs(5),
            holder: "sync, pid 12 on anvil".to_owned(),
            clock: clock.clone(),
        };
        [
            place(format!("sqlite:{}", self.file().display()), None),
            place(postgres::url(), Some(self.schema.clone())),
        ]
    }

    /// The file of the one in SQLite.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    pub(super) async fn sqlite(&self) -> Archive {
        Archive::open_sqlite(&self.file()).await
    }

    pub(super) async fn postgres(&self) -> Archive {
        Archive::open_postgres(&self.schema).await
    }

    async fn sync(&self, simulator: &Simulator, clock: &Clock) {
        for options in self.places(clock) {
            let (store, _lock) = Store::open(&options).await.unwrap();
            run(&store, simulator, clock).await;
            store.close().await;
        }
    }
}

/// One run over every conversation, and one that the gateway does not know.
async fn run(store: &Store, simulator: &Simulator, clock: &Clock) {
    let monitor = Monitor::new();
    let token = SecretString::from(simulator.token());
    let gateway = Gateway::new(GatewayOptions {
        rate: Rate {
            requests: NonZeroU32::new(100_000).unwrap(),
            per: Duration::from_secs(1),
        },
        clock: clock.clone(),
        monitor: monitor.clone(),
        ..GatewayOptions::new(simulator.base_url().parse().unwrap(), token)
    })
    .unwrap();
    let mut ids: Vec<_> = simulator
        .conversation_ids()
        .into_iter()
        .map(ConversationId::new)
        .collect();
    ids.push(ConversationId::new(UNKNOWN));
    let summary = sync::run(
        &gateway,
        store,
        Input::of_ids(ids),
        &SyncOptions::default(),
        &Shutdown::default(),
        &monitor,
        clock,
    )
    .await;
    let counts = summary.report.conversations;
    assert_eq!(
        (counts.complete, counts.listed),
        (200, 201),
        "{:?}",
        summary.stopped_because
    );
}

/// What happens at the gateway between the first run and the second.
fn change(simulator: &Simulator) {
    let ids = simulator.conversation_ids();
    let changes = [
        (
            3,
            Mutation::Edit {
                positions: vec![0, 2],
            },
        ),
        (5, Mutation::Edit { positions: vec![1] }),
        (7, Mutation::Delete { positions: vec![1] }),
        (
            9,
            Mutation::Delete {
                positions: vec![0, 3],
            },
        ),
        (11, Mutation::Arrive { n: 3 }),
        (12, Mutation::Arrive { n: 1 }),
    ];
    for (conversation, change) in changes {
        simulator.mutate(&ids[conversation], &change).unwrap();
    }
}

/// The busiest users are people with names; who is left has none.
async fn names(store: &Store) -> Vec<SenderName> {
    let users = store.read_senders(false, Some("user")).await.unwrap();
    let named = users.iter().zip(NAMES);
    named
        .map(|(user, (name, team))| SenderName {
            id: user.id.clone(),
            name: name.to_owned(),
            is_bot: Some(Some(false)),
            team: Some(Some(team.to_owned())),
        })
        .collect()
}
