//! Several pages of one conversation at once, while workers have nothing else to do: the rate
//! stays the only limit, and the number of requests under way stays `--concurrency`.

use futures::stream::{FuturesUnordered, StreamExt as _};

use super::{Broken, Visit, ask};
use crate::{
    api::{ApiError, ApiErrorKind, Fetched},
    model::ConversationRecord,
    store::PageWrite,
    sync::worker::{Context, Spare},
    walk::{Position, Request, Step},
    wire,
};

/// How many pages may come while one is still awaited. Bounds what is remembered for its sake.
const OVERTAKING_MAX: u64 = 64;

/// A page that has come, or has not.
struct Answer {
    skip: u64,
    limit: u32,
    sent_after: u64,
    fetched: Result<Result<Fetched<wire::Page>, ApiError>, Broken>,
}

impl Visit<'_> {
    /// Asks for the pages that the walk has planned ahead, as many at once as there are workers
    /// to spare, and takes them in the order in which they come.
    pub(super) async fn walk_ahead(&mut self) -> Result<(), Broken> {
        let mut under_way = FuturesUnordered::new();
        let mut sent: Vec<u64> = Vec::new();
        let mut failed = None;
        loop {
            while failed.is_none() && self.may_overtake(&sent) {
                let spare = match (under_way.is_empty(), self.context.spare()) {
                    (true, _) => None,
                    (false, Some(spare)) => Some(spare),
                    (false, None) => break,
                };
                let Some(request) = self.walk.ask_ahead() else {
                    break;
                };
                self.requests += 1;
                let sent_after = self.compared.taken();
                sent.push(sent_after);
                under_way.push(fetch(self.context, self.record, request, sent_after, spare));
            }
            let Some(answer) = under_way.next().await else {
                break;
            };
            let oldest_sent = sent.iter().copied().min().unwrap_or(0);
            if let Some(place) = sent.iter().position(|&after| after == answer.sent_after) {
                sent.swap_remove(place);
            }
            match answer.fetched? {
                Ok(fetched) => {
                    let asked = (answer.skip, answer.limit);
                    let received = self.receive(fetched, asked, answer.sent_after);
                    let claims = self.walk.accept_ahead(&received.facts);
                    self.take(received, &claims, oldest_sent).await?;
                }
                // What was asked for already is paid for, and still read.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.walk.end_ahead();
        match failed {
            // The walk asks for that page again, one at a time, and smaller if need be.
            Some(error) if error.kind == ApiErrorKind::Timeout || self.is_of_page(error.kind) => {
                tracing::warn!(conversation = %self.record.id, "{error}; going on page by page");
            }
            Some(error) => return Err(Broken::Api(error)),
            None => {}
        }
        self.keep_verdict().await
    }

    fn may_overtake(&self, sent: &[u64]) -> bool {
        let oldest = sent.iter().copied().min();
        oldest.is_none_or(|oldest| self.compared.taken() - oldest < OVERTAKING_MAX)
    }

    /// A walk that has ended without another page has something to store all the same.
    async fn keep_verdict(&self) -> Result<(), Broken> {
        if let (Step::Done(_), Some(head)) = (self.walk.step(), self.head) {
            let write = PageWrite {
                progress: Some(self.progress()),
                ..PageWrite::of(self.record.key, head.observed_at)
            };
            self.context.queue.page(write).await?;
        }
        Ok(())
    }
}

async fn fetch(
    context: &Context,
    record: &ConversationRecord,
    request: Request,
    sent_after: u64,
    _spare: Option<Spare>,
) -> Answer {
    let skip = match request.position {
        Position::Skip(skip) => skip,
        Position::Above(..) => 0,
    };
    Answer {
        skip,
        limit: request.limit,
        sent_after,
        fetched: ask(context, record, skip, request.limit).await,
    }
}
