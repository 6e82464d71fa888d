//! The gateway's truth, and what an archive may say of it after each run.

use std::collections::{BTreeMap, HashMap, HashSet};

use convault::{
    model::{ConversationCounts, RunOutcome, Timestamp},
    simulator::{CountMode, Faults, Listed, Simulator},
    sync::Summary,
};

use super::{Tally, lane::Lane, scenario::Scenario};

/// A conversation and a message.
type Name = (String, String);
/// A conversation, a message and its raw JSON.
type Row = (String, String, String);

#[derive(Debug)]
pub(super) struct Truth {
    seed: u64,
    lag: std::time::Duration,
    ids: Vec<String>,
    /// What each conversation listed when the run began.
    before: Vec<Vec<Listed>>,
    /// The same when it had ended.
    after: Vec<Vec<Listed>>,
    began_at: Timestamp,
    /// Messages that became visible later than the lag allows: nothing is promised of them until
    /// everything is read again.
    beyond: HashSet<Name>,
    /// Messages that a `complete` has spoken for.
    promised: HashSet<Name>,
    runs: u64,
    /// Whether two things may have hidden each other from the count: something far too late and
    /// a deletion, or a count that moved by itself.
    masked: bool,
    hidden: u32,
    /// The most rows of a page, whatever is asked for, where it is capped.
    limit_cap: Option<usize>,
    /// Whether something was listed of which no archive can be proven whole: two messages of a
    /// conversation that are the same to the byte, which nothing tells apart without ids; or
    /// more of one and the same time than a capped page holds.
    is_unprovable: bool,
}

/// What the archive says of a conversation.
#[derive(Debug)]
struct Told {
    state: String,
    last_run: String,
    has_reason: bool,
}

/// A message in the archive.
#[derive(Debug)]
struct Archived {
    is_live: bool,
    is_missing: bool,
    is_deleted: bool,
}

impl Truth {
    pub(super) fn new(scenario: &Scenario, ids: &[String], simulator: &Simulator) -> Self {
        let mut new = Self {
            seed: scenario.seed,
            lag: scenario.lag,
            ids: ids.to_vec(),
            before: Vec::new(),
            after: Vec::new(),
            began_at: super::scenario::START,
            beyond: HashSet::new(),
            promised: HashSet::new(),
            runs: 0,
            masked: false,
            hidden: scenario.standing.hidden,
            limit_cap: scenario.standing.limit_cap,
            is_unprovable: false,
        };
        new.after = new.listed(simulator);
        new
    }

    /// A run begins, at this step of the grid.
    pub(super) fn begin_run(&mut self, at: Timestamp) {
        self.before = self.after.clone();
        self.began_at = at;
        self.runs += 1;
    }

    /// Looks at what is listed now.
    pub(super) fn look(&mut self, simulator: &Simulator) {
        self.after = self.listed(simulator);
        self.note_beyond();
    }

    pub(super) fn note_faults(&mut self, faults: &Faults) {
        self.masked |= faults.hidden != self.hidden || faults.count != CountMode::Honest;
        self.hidden = faults.hidden;
    }

    pub(super) fn lengths(&self) -> Vec<usize> {
        self.before.iter().map(Vec::len).collect()
    }

    /// Ids and raw JSON of what is listed, of each conversation, sorted.
    pub(super) fn contents(&self, simulator: &Simulator) -> Vec<Vec<(String, String)>> {
        let sorted = |listed: Vec<Listed>| {
            let mut rows: Vec<_> = listed.into_iter().map(|one| (one.id, one.raw)).collect();
            rows.sort();
            rows
        };
        self.listed(simulator).into_iter().map(sorted).collect()
    }

    fn listed(&self, simulator: &Simulator) -> Vec<Vec<Listed>> {
        let ids = self.ids.iter();
        ids.map(|id| simulator.contents(id).unwrap()).collect()
    }

    pub(super) const fn is_unprovable(&self) -> bool {
        self.is_unprovable
    }

    fn note_beyond(&mut self) {
        for listed in &self.after {
            let raws: HashSet<&str> = listed.iter().map(|message| &*message.raw).collect();
            self.is_unprovable |= raws.len() < listed.len();
            if let Some(cap) = self.limit_cap {
                let times: Vec<_> = listed.iter().map(|message| message.created_at).collect();
                let wide = times
                    .chunk_by(PartialEq::eq)
                    .any(|tied| tied.len() + 1 >= cap);
                self.is_unprovable |= wide;
            }
        }
        for (number, id) in self.ids.iter().enumerate() {
            let known: HashSet<&str> = self.before[number].iter().map(|m| &*m.id).collect();
            for message in &self.after[number] {
                let is_late = message.created_at.plus(self.lag) < self.began_at;
                if is_late && !known.contains(&*message.id) {
                    self.beyond.insert((id.clone(), message.id.clone()));
                    self.masked = true;
                }
            }
        }
    }

    /// Everything that must be true after any run, however it ended.
    pub(super) async fn check_run(
        &mut self,
        simulator: &Simulator,
        lane: &mut Lane,
        summary: Option<&Summary>,
        tally: &mut Tally,
    ) {
        self.look(simulator);
        let told = told(lane).await;
        let archived = self.archived(lane).await;
        let open = open_failures(lane).await;
        self.check_states(&told, &open);
        let began = match summary {
            Some(summary) => {
                self.check_summary(lane, summary, &told, &open).await;
                count(summary, tally);
                true
            }
            None => self.check_killed(lane, tally).await,
        };
        if began {
            self.check_claims(simulator, &told, &archived, tally);
        }
        let lost = self
            .promised
            .iter()
            .find(|name| !archived.contains_key(*name));
        assert_eq!(lost, None, "{}: it was archived once", self.at());
        self.check_absences(simulator, &archived);
        self.check_versions(simulator, lane).await;
    }

    async fn archived(&self, lane: &mut Lane) -> HashMap<Name, Archived> {
        let sql = "select conversation_id, id, missing_since, deleted_at from v_messages";
        let rows = lane.rows(sql).await;
        let count = rows.len();
        let archived: HashMap<_, _> = rows
            .into_iter()
            .map(|row| {
                let [conversation, id, missing, deleted] = <[String; 4]>::try_from(row).unwrap();
                let (is_missing, is_deleted) = (missing != "null", deleted != "null");
                let state = Archived {
                    is_live: !is_missing && !is_deleted,
                    is_missing,
                    is_deleted,
                };
                ((conversation, id), state)
            })
            .collect();
        assert_eq!(archived.len(), count, "{}: a message is twice", self.at());
        archived
    }

    /// A state goes with its failures.
    fn check_states(&self, told: &BTreeMap<String, Told>, open: &HashMap<String, Vec<String>>) {
        let at = self.at();
        for (id, told) in told {
            let open = open.get(id).map_or(&[][..], Vec::as_slice);
            match told.state.as_str() {
                "complete" => assert!(open.is_empty() && !told.has_reason, "{at}: {id} {open:?}"),
                // A first attempt that was interrupted is no failure.
                "partial" => assert!(told.has_reason, "{at}: {id}"),
                "pending" => assert!(open.is_empty(), "{at}: {id} {open:?}"),
                _ => assert!(!open.is_empty() && told.has_reason, "{at}: {id}"),
            }
        }
    }

    /// A run that was killed has left a row without an end, or none: gives whether it has begun.
    async fn check_killed(&mut self, lane: &mut Lane, tally: &mut Tally) -> bool {
        let rows = lane
            .rows("select id, outcome from v_runs order by id")
            .await;
        let (before, after) = (self.runs - 1, rows.len() as u64);
        assert!(after == before || after == self.runs, "{}", self.at());
        let is_open = after == self.runs && rows[rows.len() - 1][1] == "null";
        self.runs = after;
        tally.add("runs killed", u64::from(is_open));
        after > before
    }

    /// What a run says of itself is what the archive says of it and of its conversations.
    async fn check_summary(
        &self,
        lane: &mut Lane,
        summary: &Summary,
        told: &BTreeMap<String, Told>,
        open: &HashMap<String, Vec<String>>,
    ) {
        let at = self.at();
        let report = &summary.report;
        let counts = report.conversations;
        let outcome = report.outcome;
        let run = report.run_id.expect("the archive is there").0.to_string();
        assert_eq!(run, self.runs.to_string(), "{at}: runs are counted");
        let sql = format!("select outcome, exit_code from v_runs where id = {run}");
        let row = [outcome.as_str().to_owned(), outcome.exit_code().to_string()];
        assert_eq!(lane.rows(&sql).await, [row], "{at}");
        for failure in &summary.failures {
            let id = failure.conversation_id.as_ref().expect("no phones");
            let is_told = open[id].contains(&failure.class);
            assert!(is_told && told[id].state != "complete", "{at}: {failure:?}");
        }
        let is_stopped = matches!(outcome, RunOutcome::Stopped(_));
        assert!(is_stopped || counts.not_reached == 0, "{at}: {counts:?}");
        assert_eq!(
            outcome == RunOutcome::Complete,
            !is_stopped && counts.complete == counts.listed,
            "{at}: {outcome:?} {counts:?}"
        );
        if counts.not_reached == 0 {
            let by_state = by_state(counts, told);
            assert_eq!(by_state, counts, "{at}");
        }
    }

    /// What is complete is true: what was listed throughout the run is archived and live, and
    /// stays in the archive ever after.
    fn check_claims(
        &mut self,
        simulator: &Simulator,
        told: &BTreeMap<String, Told>,
        archived: &HashMap<Name, Archived>,
        tally: &mut Tally,
    ) {
        let at = self.at();
        for (number, id) in self.ids.iter().enumerate() {
            let Some(told) = told.get(id) else { continue };
            if told.state != "complete" || told.last_run != self.runs.to_string() {
                continue;
            }
            tally.add("claims of complete", 1);
            let deleted: HashSet<String> =
                simulator.ever_deleted(id).unwrap().into_iter().collect();
            let still: HashSet<&str> = self.after[number].iter().map(|m| &*m.id).collect();
            for message in &self.before[number] {
                let name = (id.clone(), message.id.clone());
                let is_promised = still.contains(&*message.id)
                    && !message.id.is_empty()
                    && !deleted.contains(&message.id)
                    && !self.beyond.contains(&name);
                if !is_promised {
                    continue;
                }
                let is_live = archived.get(&name).is_some_and(|message| message.is_live);
                assert!(
                    is_live,
                    "{at}: {id} is complete, and {} of {}, listed throughout, is not live in it",
                    message.id, message.created_at
                );
                self.promised.insert(name);
            }
        }
    }

    /// Nothing is called missing or deleted that never was.
    fn check_absences(&self, simulator: &Simulator, archived: &HashMap<Name, Archived>) {
        for id in &self.ids {
            let deleted: HashSet<String> =
                simulator.ever_deleted(id).unwrap().into_iter().collect();
            for ((conversation, message), state) in archived {
                assert!(
                    conversation != id || state.is_live || deleted.contains(message),
                    "{}: {message} of {id} was never deleted: {state:?}",
                    self.at()
                );
            }
        }
    }

    /// Every version that the run wrote was sent in just these bytes.
    async fn check_versions(&self, simulator: &Simulator, lane: &mut Lane) {
        let sql = format!(
            "select conversation_id, message_id, event, raw from v_message_history
             where run_id = {}",
            self.runs
        );
        for row in lane.rows(&sql).await {
            let [conversation, message, event, raw] = <[String; 4]>::try_from(row).unwrap();
            if event == "deleted" {
                assert_eq!(raw, "null");
                continue;
            }
            assert!(
                simulator.was_served(&conversation, &raw).unwrap(),
                "{}: {message} of {conversation} was never sent as {raw}",
                self.at()
            );
        }
    }

    /// Every conversation is complete, some runs after the gateway has fallen quiet.
    pub(super) async fn assert_complete(&self, lane: &mut Lane) {
        let open = open_failures(lane).await;
        for (id, told) in told(lane).await {
            assert_eq!(
                told.state,
                "complete",
                "{}: {id} over a quiet gateway: {:?}",
                self.at(),
                open.get(&id)
            );
        }
    }

    /// The live messages are those that are listed, unless something hid from the count.
    pub(super) async fn assert_same_ids(&self, lane: &mut Lane) {
        let is_known = |row: &Row| !row.1.is_empty();
        if self.masked || !self.listed_rows().iter().all(is_known) {
            return;
        }
        let ids =
            |rows: Vec<Row>| -> Vec<Name> { rows.into_iter().map(|row| (row.0, row.1)).collect() };
        let archived = ids(live_rows(lane).await);
        assert_eq!(archived, ids(self.listed_rows()), "{}", self.at());
    }

    /// The archive's live messages are those of the gateway, to the byte.
    pub(super) async fn assert_equal(&self, lane: &mut Lane) {
        let (archived, listed) = self.live_and_listed(lane).await;
        let only = archived.iter().find(|row| !listed.contains(row));
        let lacking = listed.iter().find(|row| !archived.contains(row));
        assert!(
            archived == listed,
            "{}: the archive differs from the gateway: {only:?} {lacking:?}",
            self.at()
        );
    }

    pub(super) async fn is_equal(&self, lane: &mut Lane) -> bool {
        let (archived, listed) = self.live_and_listed(lane).await;
        archived == listed
    }

    async fn live_and_listed(&self, lane: &mut Lane) -> (Vec<Row>, Vec<Row>) {
        let (mut archived, mut listed) = (live_rows(lane).await, self.listed_rows());
        if listed.iter().any(|row| row.1.is_empty()) {
            // A message without an id is archived under its hash.
            for row in archived.iter_mut().chain(&mut listed) {
                row.1.clear();
            }
            archived.sort();
            listed.sort();
        }
        (archived, listed)
    }

    /// How many messages were absent once and have no tombstone yet.
    pub(super) async fn missing(&self, lane: &mut Lane) -> usize {
        let archived = self.archived(lane).await;
        let is_waiting = |message: &&Archived| message.is_missing && !message.is_deleted;
        archived.values().filter(is_waiting).count()
    }

    fn listed_rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (id, listed) in self.ids.iter().zip(&self.after) {
            let listed = listed.iter();
            rows.extend(listed.map(|one| (id.clone(), one.id.clone(), one.raw.clone())));
        }
        rows.sort();
        rows
    }

    fn at(&self) -> String {
        format!("seed {}, run {}", self.seed, self.runs)
    }
}

fn count(summary: &Summary, tally: &mut Tally) {
    let report = &summary.report;
    let is_stopped = matches!(report.outcome, RunOutcome::Stopped(_));
    tally.add("runs", 1);
    tally.add("runs stopped", u64::from(is_stopped));
    let is_troubled = !summary.failures.is_empty();
    tally.add("runs with troubled conversations", u64::from(is_troubled));
    tally.add("requests", report.requests.total);
    tally.add("requests repeated", report.requests.retried);
    tally.add("messages archived", report.messages.new);
    tally.add("messages buried", report.messages.deleted);
}

fn by_state(counts: ConversationCounts, told: &BTreeMap<String, Told>) -> ConversationCounts {
    let of = |state: &str| told.values().filter(|told| told.state == state).count() as u64;
    ConversationCounts {
        listed: told.len() as u64,
        complete: of("complete"),
        partial: of("partial"),
        gone: of("gone"),
        forbidden: of("forbidden"),
        failed: of("failed"),
        waived: 0,
        not_reached: 0,
        ..counts
    }
}

async fn told(lane: &mut Lane) -> BTreeMap<String, Told> {
    let sql = "select id, state, last_run, reason from v_conversations";
    let rows = lane.rows(sql).await.into_iter();
    rows.map(|row| {
        let [id, state, last_run, reason] = <[String; 4]>::try_from(row).unwrap();
        let told = Told {
            state,
            last_run,
            has_reason: reason != "null",
        };
        (id, told)
    })
    .collect()
}

/// The classes of the open failures of each conversation.
async fn open_failures(lane: &mut Lane) -> HashMap<String, Vec<String>> {
    let sql = "select conversation_id, class from v_failures where is_open";
    let mut failures: HashMap<String, Vec<String>> = HashMap::new();
    for row in lane.rows(sql).await {
        let [id, class] = <[String; 2]>::try_from(row).unwrap();
        failures.entry(id).or_default().push(class);
    }
    failures
}

/// Conversation, id and newest raw JSON of the live messages, sorted.
async fn live_rows(lane: &mut Lane) -> Vec<Row> {
    let sql = "select m.conversation_id, m.id, h.raw from v_messages m
         join v_message_history h on h.conversation_id = m.conversation_id
             and h.message_id = m.id and h.version = m.version
         where m.deleted_at is null and m.missing_since is null";
    let rows = lane.rows(sql).await.into_iter();
    let mut rows: Vec<_> = rows
        .map(|row| {
            let [conversation, id, raw] = <[String; 3]>::try_from(row).unwrap();
            (conversation, id, raw)
        })
        .collect();
    rows.sort();
    rows
}
