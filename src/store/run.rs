//! Runs, and the gateway that the archive is bound to.

use async_trait::async_trait;

use super::{
    RunStart, RunTimes, Store, StoreError,
    apply::take,
    session::{Session, Work},
    statement, table,
    value::{Row, Value},
};
use crate::model::{RunId, RunReport};

/// The row of a new run.
pub(super) struct BeginRun<'a>(pub(super) &'a RunStart);

#[async_trait]
impl Work for BeginRun<'_> {
    type Outcome = RunId;

    async fn run(&self, session: &mut Session) -> Result<RunId, StoreError> {
        let id = take(&mut session.keys.run);
        let row = vec![
            id.into(),
            (&self.0.command).into(),
            (&self.0.program_version).into(),
            (&self.0.holder).into(),
            self.0.started_at.into(),
        ];
        session.put(&table::RUNS, vec![row]).await?;
        Ok(RunId(id))
    }
}

/// How a run ended.
pub(super) struct FinishRun<'a> {
    pub(super) run: RunId,
    pub(super) report: &'a RunReport,
}

#[async_trait]
impl Work for FinishRun<'_> {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        if session.put(&table::RUN_RESULTS, vec![self.row()]).await? == 0 {
            return Err(StoreError::broken(format!(
                "no run has the number {}",
                self.run.0
            )));
        }
        Ok(())
    }
}

impl FinishRun<'_> {
    fn row(&self) -> Vec<Value> {
        let report = self.report;
        let (conversations, messages, requests) =
            (report.conversations, report.messages, report.requests);
        vec![
            self.run.0.into(),
            report.finished_at.into(),
            report.outcome.as_str().into(),
            u32::from(report.outcome.exit_code()).into(),
            conversations.listed.into(),
            conversations.complete.into(),
            conversations.partial.into(),
            conversations.gone.into(),
            conversations.forbidden.into(),
            conversations.failed.into(),
            conversations.waived.into(),
            conversations.empty.into(),
            conversations.not_reached.into(),
            messages.new.into(),
            messages.changed.into(),
            messages.deleted.into(),
            messages.unchanged.into(),
            messages.unrecognised.into(),
            requests.total.into(),
            requests.retried.into(),
            requests.throttled.into(),
            requests.planned.into(),
            requests.swept.into(),
        ]
    }
}

/// Whether the archive holds anything that its gateway has told. If not, the binding may be to a
/// mistyped address, and another one takes its place.
async fn has_told(session: &mut Session) -> Result<bool, StoreError> {
    told(&mut session.select(&statement::TOLD, Vec::new()).await?)
}

fn told(rows: &mut [Row]) -> Result<bool, StoreError> {
    match rows {
        [row] => Ok(row.count()? > 0),
        _ => Err(StoreError::broken("a count gave no row")),
    }
}

/// Sets the gateway where it is `expected` now.
pub(super) struct BindGateway<'a> {
    /// What it must be bound to; `None`: to nothing yet, or to the new one.
    pub(super) expected: Option<&'a str>,
    pub(super) gateway: &'a str,
}

#[async_trait]
impl Work for BindGateway<'_> {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        let mut rows = session.select(&statement::ARCHIVE, Vec::new()).await?;
        let archived = gateway(&mut rows)?;
        if self.expected.is_none() && archived.as_deref() == Some(self.gateway) {
            return Ok(());
        }
        let mistaken = self.expected.is_none() && archived.is_some() && !has_told(session).await?;
        if archived.as_deref() != self.expected && !mistaken {
            return Err(StoreError::OtherGateway {
                archived: archived.unwrap_or_else(|| "(none yet)".to_owned()),
                asked: self.expected.unwrap_or(self.gateway).to_owned(),
            });
        }
        session
            .execute(&statement::SET_GATEWAY, vec![self.gateway.into()])
            .await?;
        Ok(())
    }
}

fn gateway(rows: &mut [Row]) -> Result<Option<String>, StoreError> {
    let row = rows
        .first_mut()
        .ok_or_else(|| StoreError::broken("the archive's own row is missing"))?;
    let (_epoch, _batch_seq) = (row.int()?, row.int()?);
    row.maybe_text()
}

impl Store {
    pub(super) async fn gateway(&self) -> Result<Option<String>, StoreError> {
        gateway(&mut self.select(&statement::ARCHIVE, Vec::new()).await?)
    }

    pub(super) async fn run_times(&self, runs_max: u32) -> Result<Vec<RunTimes>, StoreError> {
        let args = vec![i64::from(runs_max).into()];
        let rows = self.select(&statement::RUN_TIMES, args).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(RunTimes {
                    run: RunId(row.int()?),
                    started_at: row.time()?,
                    finished_at: row.maybe_time()?,
                })
            })
            .collect()
    }

    pub(super) async fn refuse_other_gateway(&self, asked: &str) -> Result<(), StoreError> {
        match self.gateway().await? {
            Some(archived)
                if archived != asked
                    && told(&mut self.select(&statement::TOLD, Vec::new()).await?)? =>
            {
                Err(StoreError::OtherGateway {
                    archived,
                    asked: asked.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}
