//! Test support: runs that are killed or fail at every place, and what must be true after the
//! next ones.
//!
//! Two stories. A new archive is made and filled. An archive that stands meets everything that a
//! run can write: new messages, new versions, first absences, tombstones and a failure.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use convault::{
    clock::Clock,
    model::Timestamp,
    simulator::{Answer, CorpusOptions, Faults, Mutation, SimulatorOptions},
    store::{Store, StoreError, StoreOptions},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::process::Command;

use crate::{
    effort, postgres,
    program::{Engine, Stage, read_json},
};

/// What the run that is killed has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    NewArchive,
    Changes,
}

/// A conversation's id and a message's.
pub(crate) type Name = (String, String);

const PAGE: usize = 20;
const ARGUMENTS: [&str; 8] = [
    "--page-size",
    "20",
    "--concurrency",
    "1",
    "--visibility-lag",
    "0s",
    "--audit-share",
    "0",
];
/// Messages in each of the four conversations.
const EACH: u32 = 45;
const HOUR_MS: i64 = 3_600_000;

/// What an archive held when its run was killed.
#[derive(Debug, Default)]
struct Found {
    archived: HashSet<Name>,
    complete: HashSet<String>,
}

/// A gateway, and an archive that is put back to its beginning before each kill.
pub(crate) struct Scenario {
    pub(crate) stage: Stage,
    story: Story,
    clock: Clock,
    /// The archive as it is before the run that is killed: a file, or a database.
    base: Option<String>,
    /// How many requests the run makes for each conversation if nothing kills it.
    requests: HashMap<String, usize>,
    /// What the archive holds in the end if nothing kills the run.
    facts: BTreeSet<String>,
}

impl Scenario {
    /// Plays the story once without a kill.
    pub(crate) async fn new(engine: Engine, story: Story) -> Self {
        let now = Clock::system().now().as_millis();
        let clock = Clock::manual(Timestamp::from_millis(now - HOUR_MS));
        let options = SimulatorOptions {
            corpus: CorpusOptions {
                seed: effort::seed(7),
                conversations: 4,
                messages_each: Some(EACH),
                end: Timestamp::from_millis(now - 2 * HOUR_MS),
                ..CorpusOptions::default()
            },
            faults: Faults::default(),
            clock: clock.clone(),
            record: true,
            ..SimulatorOptions::default()
        };
        let stage = Stage::new(engine, options).await;
        let mut scenario = Self {
            stage,
            story,
            clock,
            base: None,
            requests: HashMap::new(),
            facts: BTreeSet::new(),
        };
        if story == Story::Changes {
            scenario.prepare().await;
        }
        scenario.begin().await;
        let before = scenario.stage.simulator.records().len();
        scenario.sync().await;
        scenario.requests = scenario.requests_since(before);
        scenario.sync().await;
        scenario.facts = scenario.read_facts().await;
        scenario.assert_the_story_has_everything();
        scenario
    }

    /// An archive of the corpus with one message missing once; then the gateway changes.
    async fn prepare(&mut self) {
        let ids = self.stage.simulator.conversation_ids();
        let change = |id: usize, mutation: Mutation| {
            let touched = self.stage.simulator.mutate(&ids[id], &mutation).unwrap();
            assert!(touched > 0, "{mutation:?}");
        };
        self.sync().await;
        change(0, Mutation::Delete { positions: vec![5] });
        self.sync().await;
        change(0, Mutation::Arrive { n: 2 });
        change(
            1,
            Mutation::Edit {
                positions: vec![0, 1],
            },
        );
        change(1, Mutation::Delete { positions: vec![3] });
        change(3, Mutation::Arrive { n: 25 });
        let simulator = &self.stage.simulator;
        simulator.set_answer(&ids[2], Some(Answer::Forbidden));
        self.base = Some(match self.stage.engine() {
            Engine::Sqlite => {
                let base = self.stage.path("base.db");
                std::fs::copy(self.stage.archive_path(), &base).unwrap();
                base.display().to_string()
            }
            Engine::Postgres => name_of(&self.stage.database_url).to_owned(),
        });
    }

    fn assert_the_story_has_everything(&self) {
        let has = |start: &str, part: &str| {
            let found = |fact: &&String| fact.starts_with(start) && fact.contains(part);
            self.facts.iter().filter(found).count()
        };
        match self.story {
            Story::NewArchive => assert_eq!(has("message", " 1 live"), 4 * EACH as usize),
            Story::Changes => {
                assert_eq!(has("message", " deleted"), 2);
                assert_eq!(has("message", " 2 live"), 2, "edits");
                assert_eq!(has("message", " live"), 4 * EACH as usize + 27 - 2);
                assert_eq!(has("failure", "forbidden true"), 1);
            }
        }
    }

    /// Puts the archive back to the beginning of the story.
    pub(crate) async fn begin(&mut self) {
        match self.stage.engine() {
            Engine::Sqlite => {
                for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
                    let file = format!("{}{suffix}", self.stage.archive_path().display());
                    let _ = std::fs::remove_file(file);
                }
                if let Some(base) = &self.base {
                    std::fs::copy(base, self.stage.archive_path()).unwrap();
                }
            }
            Engine::Postgres => {
                let used = self.stage.database_url.clone();
                let mut fresh = format!("create database {}", postgres::fresh_name());
                let url = postgres::url();
                let (server, _) = url.rsplit_once('/').unwrap();
                self.stage.database_url = format!("{server}/{}", name_of(&fresh));
                if let Some(base) = &self.base {
                    fresh = format!("{fresh} template {base}");
                }
                if Some(name_of(&used)) != self.base.as_deref() {
                    postgres::drop_database(&used).await;
                }
                let mut connection = PgConnection::connect(&url).await.unwrap();
                connection.execute(AssertSqlSafe(fresh)).await.unwrap();
            }
        }
    }

    /// The run that is killed.
    pub(crate) fn command(&self) -> Command {
        self.stage.sync_command(&ARGUMENTS)
    }

    async fn sync(&self) {
        self.clock.advance(std::time::Duration::from_secs(10));
        let (ended, _) = self.stage.sync(&ARGUMENTS).await;
        assert!(
            [0, 3].contains(&ended.code),
            "{}: {}",
            ended.code,
            ended.stderr
        );
    }

    fn requests_since(&self, before: usize) -> HashMap<String, usize> {
        let mut requests = HashMap::new();
        for record in &self.stage.simulator.records()[before..] {
            let id = record.target.split('/').nth(3).unwrap();
            *requests.entry(id.to_owned()).or_default() += 1;
        }
        requests
    }

    /// Everything that is true of the archive whenever it was written.
    async fn read_facts(&self) -> BTreeSet<String> {
        const FACTS: [&str; 4] = [
            "select 'version ' || conversation_id || ' ' || message_id || ' ' || version || ' ' \
             || event || ' ' || coalesce(raw, '') from v_message_history",
            "select 'message ' || conversation_id || ' ' || id || ' ' || version || ' ' \
             || case when deleted_at is null then 'live' else 'deleted' end \
             || ' ' || coalesce(text, '') from v_messages",
            "select 'conversation ' || id || ' ' || state || ' ' || message_count \
             from v_conversations",
            "select distinct 'failure ' || conversation_id || ' ' || class || ' ' \
             || case when is_open then 'true' else 'false' end from v_failures",
        ];
        let mut facts = BTreeSet::new();
        for sql in FACTS {
            let rows = self.stage.texts(sql).await;
            let count = rows.len();
            let before = facts.len();
            facts.extend(rows);
            assert_eq!(
                facts.len(),
                before + count,
                "something is there twice: {sql}"
            );
        }
        facts
    }

    /// Runs on after a kill, and checks that nothing is lost, doubled or read in vain.
    pub(crate) async fn assert_that_it_goes_on(&mut self, place: &str) {
        assert_no_half_report(&self.stage);
        let found = self.look_before_it_goes_on(place).await;
        self.assert_reported(&found, place);
        let before = self.stage.simulator.records().len();
        self.sync().await;
        match self.story {
            Story::NewArchive => {
                self.assert_few_requests(before, &found, place);
                self.stage.assert_whole().await;
            }
            Story::Changes => {
                // What was missing once is deleted by now, as it is after two runs without a kill.
                self.sync().await;
                let facts = self.read_facts().await;
                let missing: Vec<_> = self.facts.difference(&facts).collect();
                let surplus: Vec<_> = facts.difference(&self.facts).collect();
                assert!(
                    missing.is_empty() && surplus.is_empty(),
                    "{place}: missing {missing:#?}, surplus {surplus:#?}"
                );
            }
        }
        self.assert_sound(place).await;
        let behind = "select (select max(key) from messages) - indexed_to from archive";
        assert_eq!(self.stage.number(behind).await, 0, "{place}");
    }

    /// A run that was not killed has said how much of the new archive is there.
    fn assert_reported(&self, found: &Found, place: &str) {
        let path = self.stage.path("report.json");
        if self.story != Story::NewArchive || !path.exists() {
            return;
        }
        let report = read_json(&path);
        let (complete, new) = (found.complete.len(), found.archived.len());
        assert_eq!(report["conversations"]["complete"], complete, "{place}");
        assert_eq!(report["messages"]["new"], new, "{place}");
    }

    /// One request for a conversation that is complete, as many as ever for one of which nothing
    /// is there, and in between the pages of what is missing: the head, the page where the walk
    /// goes on below what it has, the tail and the closing head are the four that it may repeat.
    fn assert_few_requests(&self, before: usize, found: &Found, place: &str) {
        let made = self.requests_since(before);
        for (id, whole) in &self.requests {
            let archived = found.archived.iter().filter(|name| name.0 == *id).count();
            let allowed = match archived {
                _ if found.complete.contains(id) => 1,
                0 => *whole,
                archived => (EACH as usize - archived).div_ceil(PAGE) + 4,
            };
            let made = made.get(id).copied().unwrap_or(0);
            assert!(
                made <= allowed,
                "{place}: {made} requests for {id}, of which {archived} messages were \
                 archived; {allowed} are allowed"
            );
        }
    }

    /// What a reader finds after the kill. SQLite's file is copied first: to open it is to mend it.
    async fn look_before_it_goes_on(&mut self, place: &str) -> Found {
        let own = self.stage.database_url.clone();
        if self.stage.engine() == Engine::Sqlite {
            let (from, to) = (
                self.stage.archive_path().to_owned(),
                self.stage.path("copy.db"),
            );
            for suffix in ["", "-wal", "-journal", "-shm"] {
                let copy = format!("{}{suffix}", to.display());
                let _ = std::fs::remove_file(&copy);
                if suffix != "-shm" {
                    let _ = std::fs::copy(format!("{}{suffix}", from.display()), copy);
                }
            }
            self.stage.database_url = format!("sqlite:{}", to.display());
        }
        let names = "select conversation_id, id from v_messages";
        let complete = "select id from v_conversations where state = 'complete'";
        let mut found = Found::default();
        if has_archive(&self.stage).await {
            self.assert_sound(place).await;
            found.archived = self.stage.rows(names).await.into_iter().collect();
            found.complete = self.stage.texts(complete).await.into_iter().collect();
        }
        self.stage.database_url = own;
        found
    }

    async fn assert_sound(&self, place: &str) {
        if self.stage.engine() == Engine::Sqlite {
            let found = self.stage.texts("pragma integrity_check").await;
            assert_eq!(found, ["ok"], "{place}");
            let broken = self.stage.texts("pragma foreign_key_check").await;
            assert!(broken.is_empty(), "{place}: {broken:?}");
        }
        self.assert_index(place).await;
    }

    /// The index of words holds what the messages say, however far it is.
    async fn assert_index(&self, place: &str) {
        let options = StoreOptions {
            url: self.stage.database_url.parse().unwrap(),
            schema: None,
            lock_wait: Duration::ZERO,
            holder: String::new(),
            clock: Clock::system(),
        };
        let store = match Store::open_read_only(&options).await {
            Ok(store) => store,
            // The kill came before the last migration.
            Err(StoreError::OlderSchema { .. } | StoreError::Missing { .. }) => return,
            Err(error) => panic!("{place}: {error}"),
        };
        if self.stage.number("select count(*) from archive").await > 0 {
            let mut snapshot = store.snapshot().await.unwrap();
            assert_eq!(snapshot.index_flaw().await.unwrap(), None, "{place}");
            snapshot.close().await.unwrap();
        }
        store.close().await;
    }
}

/// Whether the views are there yet: a kill may come before.
pub(crate) async fn has_archive(stage: &Stage) -> bool {
    let views = match stage.engine() {
        Engine::Sqlite if !stage.archive_path().exists() => return false,
        Engine::Sqlite => "select count(*) from sqlite_master where name = 'v_messages'",
        Engine::Postgres => {
            "select count(*) from information_schema.tables where table_name = 'v_messages'"
        }
    };
    stage.number(views).await > 0
}

/// A report is whole or not there.
fn assert_no_half_report(stage: &Stage) {
    if let Ok(text) = std::fs::read_to_string(stage.path("report.json")) {
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["schema_version"], 1);
    }
}

/// The last part of a URL or of a statement.
fn name_of(text: &str) -> &str {
    text.rsplit(['/', ' ']).next().unwrap()
}
