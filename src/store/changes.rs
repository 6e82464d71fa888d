//! What each later version of a message changed: derived from the raw JSON, and told in rows.
//!
//! Behind the versions, not with them: a page is committed first and described at the end of the
//! run, or of the next one where that was cut short. What is described stays as it is.

use async_trait::async_trait;

use super::{
    Store, StoreError,
    session::{Session, Work},
    statement::people::{CLEAR_CHANGES, UNDESCRIBED_VERSIONS},
    table,
    value::Value,
};
use crate::wire::differences;

/// How many versions are described in one transaction.
const VERSIONS_AT_ONCE: i64 = 200;

struct Describe {
    rows: Vec<Vec<Value>>,
}

#[async_trait]
impl Work for Describe {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        session
            .put(&table::MESSAGE_CHANGES, self.rows.clone())
            .await?;
        Ok(())
    }
}

struct Forget;

#[async_trait]
impl Work for Forget {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        session.execute(&CLEAR_CHANGES, Vec::new()).await?;
        Ok(())
    }
}

impl Store {
    /// Describes every version that is not described yet; gives how many differed from the one
    /// before. Ends early, without harm, once `stop` says so.
    pub async fn describe_changes(
        &self,
        stop: impl Fn() -> bool + Send,
    ) -> Result<u64, StoreError> {
        let mut described = 0;
        let (mut message, mut version) = (0_i64, 0_i64);
        while !stop() {
            let args = vec![message.into(), version.into(), VERSIONS_AT_ONCE.into()];
            let found = self.select(&UNDESCRIBED_VERSIONS, args).await?;
            if found.is_empty() {
                break;
            }
            let mut rows = Vec::new();
            for mut row in found {
                message = row.int()?;
                version = row.int()?;
                let after = row.text()?;
                let Some(before) = row.maybe_text()? else {
                    continue;
                };
                let told = differences(&before, &after);
                described += u64::from(!told.is_empty());
                rows.extend((0_i64..).zip(told).map(|(position, found)| -> Vec<Value> {
                    vec![
                        message.into(),
                        version.into(),
                        position.into(),
                        (&found.path).into(),
                        (&found.before).into(),
                        (&found.after).into(),
                    ]
                }));
            }
            if !rows.is_empty() {
                self.transact(&Describe { rows }).await?;
            }
        }
        Ok(described)
    }

    /// Takes every description away, so that [`Store::describe_changes`] makes them anew.
    pub async fn forget_changes(&self) -> Result<(), StoreError> {
        self.transact(&Forget).await
    }
}
