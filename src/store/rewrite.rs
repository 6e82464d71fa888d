//! Writes derived rows anew where they are not what decoding gives, and keeps how far that came.
//!
//! One transaction a batch carries the rows and the mark, so that a kill costs one batch. Rows
//! that are equal are not written.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{
    Redecoded, Store, StoreError,
    derived::{self, CHILDREN, Comparison},
    search,
    session::{Session, Work},
    statement, table,
    value::Value,
};
use crate::model::ConversationKey;

/// What a batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RewriteStats {
    /// Messages of which anything was written anew.
    pub messages: u64,
    /// Rows that were written, in all tables.
    pub rows: u64,
}

/// Some versions whose derived rows are to be what decoding gives.
struct Rewrite<'a> {
    versions: &'a [Redecoded<'a>],
    /// The last message that is done with these.
    done_to: Option<i64>,
}

#[async_trait]
impl Work for Rewrite<'_> {
    type Outcome = RewriteStats;

    async fn run(&self, session: &mut Session) -> Result<RewriteStats, StoreError> {
        let comparison = derived::compare(session, self.versions).await?;
        let changed: BTreeSet<i64> = comparison.differences.iter().map(|d| d.key).collect();
        let keys: Vec<i64> = changed.iter().copied().collect();
        let words = search::words_before(session, &keys).await?;
        let rows = put_right(session, comparison).await?;
        search::reword(session, words).await?;
        if let Some(key) = self.done_to {
            let args = vec![key.into()];
            session
                .execute(&statement::SET_RENORMALIZED_TO, args)
                .await?;
        }
        Ok(RewriteStats {
            messages: changed.len() as u64,
            rows,
        })
    }
}

async fn put_right(session: &mut Session, comparison: Comparison) -> Result<u64, StoreError> {
    let mut rows = session
        .put(&table::MESSAGE_CONTENTS, comparison.contents)
        .await?;
    for (place, (cleared, replaced)) in comparison.children {
        let child = &CHILDREN[place];
        session.execute(child.clear, vec![cleared.into()]).await?;
        rows += session.put(child.table, replaced).await?;
    }
    for (version, (cleared, replaced)) in comparison.anomalies {
        let args: Vec<Value> = vec![cleared.into(), version.into()];
        session.execute(&statement::CLEAR_ANOMALIES, args).await?;
        rows += session.put(&table::ANOMALIES, replaced).await?;
    }
    rows += session
        .put(&table::SENDER_KINDS, comparison.senders)
        .await?;
    Ok(rows)
}

/// Nothing is under way any more.
struct Done;

#[async_trait]
impl Work for Done {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        let args = vec![Value::Int(None)];
        session
            .execute(&statement::SET_RENORMALIZED_TO, args)
            .await?;
        Ok(())
    }
}

/// Conversations whose live messages are to be counted again.
struct Recount(Vec<i64>);

#[async_trait]
impl Work for Recount {
    type Outcome = u64;

    async fn run(&self, session: &mut Session) -> Result<u64, StoreError> {
        let args = vec![self.0.clone().into()];
        session.execute(&statement::RECOUNT_LIVE, args).await
    }
}

impl Store {
    /// The last message that an interrupted `renormalize` has done; `None` where none is under
    /// way.
    pub async fn read_renormalized_to(&self) -> Result<Option<i64>, StoreError> {
        match self
            .select(&statement::RENORMALIZED_TO, Vec::new())
            .await?
            .as_mut_slice()
        {
            [row] => row.maybe_int(),
            _ => Err(StoreError::broken("the archive's own row is missing")),
        }
    }

    /// The version of the program that ran a command last.
    pub async fn read_program_of(&self, command: &str) -> Result<Option<String>, StoreError> {
        let statement = &statement::LAST_VERSION_OF_COMMAND;
        match self
            .select(statement, vec![command.into()])
            .await?
            .as_mut_slice()
        {
            [] => Ok(None),
            [row, ..] => row.text().map(Some),
        }
    }

    /// Writes the derived rows of these versions where they differ, and that all messages up to
    /// `done_to` are done, in one transaction.
    pub async fn rewrite_derived(
        &self,
        versions: &[Redecoded<'_>],
        done_to: Option<i64>,
    ) -> Result<RewriteStats, StoreError> {
        self.transact(&Rewrite { versions, done_to }).await
    }

    /// Counts the live messages of some conversations again and gives how many counts were wrong.
    pub async fn recount_live(&self, keys: &[ConversationKey]) -> Result<u64, StoreError> {
        let keys = keys.iter().map(|key| key.0).collect();
        self.transact(&Recount(keys)).await
    }

    /// Keeps that no `renormalize` is under way any more.
    pub async fn end_renormalize(&self) -> Result<(), StoreError> {
        self.transact(&Done).await
    }
}
