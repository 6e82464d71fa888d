//! One conversation brought up to date: drives its walk, page by page.
//!
//! For each page: fetch, normalise, let the walk claim, compare with the archive, hand rows and
//! claim to the writer as one. Leaves what to ask for to `walk` and what a row is to `store`.

mod ahead;
pub(super) mod compare;
mod tombstones;

use compare::{Comparison, Received};
use tombstones::places_to_confirm;

use super::{
    outcome::{self, Trouble},
    worker::Context,
    writer::WriterGone,
};
use crate::{
    api::{ApiError, ApiErrorKind, Fetched},
    model::{ConversationRecord, ConversationState, FailureClass, Timestamp},
    monitor::Counter,
    store::{ConversationOutcome, MissingMessage, PageWrite, StoreError, WalkProgress},
    walk::{
        Claim, Known, PageFacts, Position, Ranks, Request, Rules, Step, Stored, Verdict, Walk,
        is_inconsistent, without_future,
    },
    wire,
};

/// The most that is asked for where a group of equal times does not fit a page.
const LIMIT_MAX: u32 = 1000;

/// Why a visit ended before its walk did.
#[derive(Debug)]
pub(super) enum Broken {
    /// Somebody asked the run to stop.
    Stopped,
    /// The writer is gone; it knows why.
    WriterGone,
    /// The archive could not be read.
    Store(StoreError),
    /// The gateway gave no page.
    Api(ApiError),
}

impl From<WriterGone> for Broken {
    fn from(WriterGone: WriterGone) -> Self {
        Self::WriterGone
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How a visit ended. Its outcome is still to be handed to the writer.
#[derive(Debug)]
pub(super) struct Visited {
    pub(super) outcome: ConversationOutcome,
    pub(super) empty: bool,
    /// Some of its messages were proven by earlier runs and not looked at in this one.
    pub(super) has_older_proof: bool,
}

/// The last page from the head.
#[derive(Debug, Clone, Copy)]
struct Head {
    sent_at: Timestamp,
    observed_at: Timestamp,
    rows: u64,
}

/// The visit of one conversation in one run.
pub(super) struct Visit<'a> {
    context: &'a Context,
    record: &'a ConversationRecord,
    walk: Walk,
    full_since: Option<Timestamp>,
    /// Nothing was ever archived or proven of it.
    first_sight: bool,
    compared: Comparison<'a>,
    requests: u64,
    halved: u32,
    head: Option<Head>,
}

impl<'a> Visit<'a> {
    /// A visit of the conversation; `missing` are its messages that are not yet deleted.
    pub(super) fn new(
        context: &'a Context,
        record: &'a ConversationRecord,
        missing: &[MissingMessage],
    ) -> Self {
        let full = context.options.full || record.full_since.is_some();
        let rules = rules_of(context);
        let known = Known {
            full: full && !record.ledger.is_empty(),
            to_confirm: places_to_confirm(missing, context.clock.now(), rules.lag),
            ..known_of(context, record)
        };
        let first_sight = record.ledger.is_empty() && record.live_count == 0;
        let mut compared = Comparison::new(context, record);
        compared.unarchived = first_sight;
        compared.any_confirmed = missing.iter().any(|message| message.confirmed);
        Self {
            context,
            record,
            full_since: known
                .full
                .then(|| record.full_since.unwrap_or_else(|| context.clock.now())),
            walk: Walk::new(rules, &known),
            first_sight,
            compared,
            requests: 0,
            halved: 0,
            head: None,
        }
    }

    /// Walks to the end.
    pub(super) async fn run(mut self) -> Result<Visited, Broken> {
        let (state, trouble) = match self.walk_on().await {
            Ok(Verdict::Complete) => (ConversationState::Complete, None),
            Ok(Verdict::Partial { class, reason }) => {
                let deficit = self.walk.unlisted();
                let unlisted = deficit.filter(|_| class == FailureClass::CountDeficit);
                let trouble = Trouble {
                    class,
                    reason,
                    unlisted,
                };
                (ConversationState::Partial, Some(trouble))
            }
            Err(Broken::Api(error)) => match outcome::of_conversation(&error, self.context) {
                Some((state, trouble)) => (state, Some(trouble)),
                None => return Err(Broken::Api(error)),
            },
            Err(broken) => return Err(broken),
        };
        let is_inconsistent = is_inconsistent(self.compared.contradictions);
        let walked = matches!(
            state,
            ConversationState::Complete | ConversationState::Partial
        );
        let buried = if is_inconsistent && walked {
            Some(tombstones::inconsistent())
        } else {
            self.bury_if_walked(state, trouble.is_some()).await?
        };
        let (state, trouble) = match buried {
            Some(braked) => (ConversationState::Partial, Some(braked)),
            None => (state, trouble),
        };
        if let Some(sample) = self.walk.sample() {
            self.context.hiding.note(sample);
        }
        let now = self.context.clock.now();
        let is_complete = state == ConversationState::Complete;
        let outcome = ConversationOutcome {
            conversation: self.record.key,
            state,
            reason: trouble.as_ref().map(|trouble| trouble.reason.clone()),
            failure: trouble.as_ref().map(|trouble| trouble.at(now)),
            checked_at: self.head.filter(|_| is_complete).map(|head| head.sent_at),
            messages: self.compared.counts,
            requests: self.requests,
            finished_at: now,
        };
        let empty = self.first_sight && is_complete && self.compared.live == 0;
        Ok(Visited {
            outcome,
            empty,
            has_older_proof: is_complete
                && self.compared.live > self.head.map_or(0, |head| head.rows)
                && self.walk.ledger().has_settled(),
        })
    }

    /// Buries at the end of a walk; a conversation that answered with an error says nothing.
    async fn bury_if_walked(
        &mut self,
        state: ConversationState,
        troubled: bool,
    ) -> Result<Option<Trouble>, Broken> {
        match state {
            ConversationState::Complete => self.bury().await,
            ConversationState::Partial if troubled => self.bury().await.map(|_| None),
            _ => Ok(None),
        }
    }

    async fn walk_on(&mut self) -> Result<Verdict, Broken> {
        loop {
            let request = match self.walk.step() {
                Step::Done(verdict) => return Ok(verdict),
                Step::Ask(request) => request,
            };
            if self.walk.pages_ahead() > 1 && self.context.has_spare() {
                self.walk_ahead().await?;
                continue;
            }
            if request.after_commit {
                self.context.queue.flush().await?;
                self.compared.unarchived = false;
            }
            let skip = rank_of(self.context, self.record, request.position).await?;
            let Some(fetched) = self.fetch(skip, request).await? else {
                continue;
            };
            let sent_after = self.compared.taken();
            let received = self.receive(fetched, (skip, request.limit), sent_after);
            let claims = self.walk.accept(&received.facts);
            self.take(received, &claims, sent_after).await?;
        }
    }

    /// Where the archive has the page that was just accepted, if the walk asks: it is at rank, as
    /// every page before it is committed.
    async fn read_ranks(&self) -> Result<Option<Ranks>, Broken> {
        let Some(time) = self.walk.asks_ranks_of() else {
            return Ok(None);
        };
        let (store, key) = (&self.context.store, self.record.key);
        let just_before = Timestamp::from_millis(time.as_millis() - 1);
        Ok(Some(Ranks {
            newer: store.count_live_after(key, time).await?,
            newer_or_same: store.count_live_after(key, just_before).await?,
        }))
    }

    /// One page; `None` where the gateway could not give it and a smaller one is to be tried.
    async fn fetch(
        &mut self,
        skip: u64,
        request: Request,
    ) -> Result<Option<Fetched<wire::Page>>, Broken> {
        self.requests += 1;
        match ask(self.context, self.record, skip, request.limit).await? {
            Ok(fetched) => Ok(Some(fetched)),
            Err(error) => {
                if !self.asks_for_less(skip, &error) {
                    return Err(Broken::Api(error));
                }
                tracing::warn!(
                    conversation = %self.record.id,
                    skip,
                    limit = request.limit,
                    "{error}; asking for less at once"
                );
                Ok(None)
            }
        }
    }

    /// Whether the walk goes on with a shorter page, or around what cannot be had.
    fn asks_for_less(&mut self, skip: u64, error: &ApiError) -> bool {
        match error.kind {
            ApiErrorKind::Timeout if self.halved < 2 => {
                self.halved += 1;
                self.walk.halve_limit()
            }
            kind if self.is_of_page(kind) => outcome::class_of(kind)
                .is_some_and(|class| self.walk.page_failed(skip, class, &error.message)),
            _ => false,
        }
    }

    /// Whether such an error may be one page's alone. A gateway that has not answered at all yet may
    /// give none.
    fn is_of_page(&self, kind: ApiErrorKind) -> bool {
        match kind {
            ApiErrorKind::TooLarge => true,
            ApiErrorKind::Server | ApiErrorKind::Malformed => self.context.has_succeeded(),
            _ => false,
        }
    }

    /// Normalises a page; what the run learns of the head is noted here.
    fn receive(
        &mut self,
        fetched: Fetched<wire::Page>,
        asked: (u64, u32),
        sent_after: u64,
    ) -> Received {
        let (sent_at, observed_at) = (fetched.sent_at, fetched.observed_at);
        let received = self.compared.receive(fetched, asked, sent_after);
        if asked.0 == 0 {
            self.head = Some(Head {
                sent_at,
                observed_at,
                rows: received.facts.len(),
            });
        }
        self.note_expected(&received.facts);
        received
    }

    /// Hands a page that the walk has accepted to the writer, and tells the walk.
    async fn take(
        &mut self,
        received: Received,
        claims: &[Claim],
        oldest_sent: u64,
    ) -> Result<(), Broken> {
        if let Some(full) = self.walk.full_page() {
            self.context.learn_full_page(received.facts.limit, full);
        }
        if self.walk.cuts_pages() {
            self.context.hiding.note_cut();
        }
        let ranks = self.read_ranks().await?;
        let write = self.compared.take(received, claims, oldest_sent).await?;
        self.walk.stored(Stored {
            live: self.compared.live,
            ranks,
        });
        let write = PageWrite {
            progress: Some(self.progress()),
            ..write
        };
        Ok(self.context.queue.page(write).await?)
    }

    fn note_expected(&self, facts: &PageFacts) {
        if self.walk.pages() == 0 {
            let count = facts.count.and_then(|count| u64::try_from(count).ok());
            let expected = count.unwrap_or(0).saturating_sub(self.record.live_count);
            self.context
                .monitor
                .add(Counter::MessagesExpected, expected);
        }
    }

    /// What is kept of the walk as it is now.
    fn progress(&self) -> WalkProgress {
        let second = self.walk.second_cover();
        WalkProgress {
            ledger: self.walk.ledger().pieces(),
            full_ledger: second.map(crate::walk::Ledger::pieces).unwrap_or_default(),
            full_since: second.and(self.full_since),
            tie_points: self.walk.tie_points(),
            unlisted: self.walk.unlisted(),
            count_trust: self.walk.count_trust(),
            swept_below: self.record.swept_below,
            tail_proof: self.walk.tail_proof().or(self.record.tail_proof),
            proof: self.walk.proof(),
        }
    }
}

/// The constants of this run's walks.
pub(super) fn rules_of(context: &Context) -> Rules {
    Rules {
        limit: context.options.page_size,
        limit_max: LIMIT_MAX.max(context.options.page_size),
        lag: context.options.visibility_lag,
    }
}

/// What the archive knows of a conversation, as a walk is told it.
pub(super) fn known_of(context: &Context, record: &ConversationRecord) -> Known {
    // What a wrong clock has claimed is read again.
    let now = context.earlier.latest(context.clock.now());
    let latest = now.plus(context.options.visibility_lag);
    Known {
        ledger: without_future(&record.ledger, latest),
        full_ledger: without_future(&record.full_ledger, latest),
        tie_points: record.tie_points.clone(),
        full: !record.full_ledger.is_empty(),
        live: record.live_count,
        unlisted: record.unlisted,
        count_trust: record.count_trust,
        to_confirm: Vec::new(),
        full_page: context.full_page(),
        hiding: context.hiding.known(),
        cuts_pages: context.hiding.cuts_pages(),
    }
}

/// The `skip` that a position is, by what is committed.
pub(super) async fn rank_of(
    context: &Context,
    record: &ConversationRecord,
    position: Position,
) -> Result<u64, Broken> {
    match position {
        Position::Skip(skip) => Ok(skip),
        Position::Above(time, rows) => {
            let newer = context.store.count_live_after(record.key, time).await?;
            Ok(newer.saturating_sub(rows))
        }
    }
}

/// One page, or why the gateway gave none; given up when the run is asked to stop.
pub(super) async fn ask(
    context: &Context,
    record: &ConversationRecord,
    skip: u64,
    limit: u32,
) -> Result<Result<Fetched<wire::Page>, ApiError>, Broken> {
    let answer = tokio::select! {
        biased;
        () = context.shutdown.cancelled() => return Err(Broken::Stopped),
        answer = context.gateway.messages(&record.id, skip, limit) => answer,
    };
    if answer.is_ok() {
        context.note_success();
    }
    Ok(answer)
}
