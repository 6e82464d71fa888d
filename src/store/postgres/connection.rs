//! The connection that writes, on a thread of its own that waits for nothing else: an answer of the
//! server is met at once, whatever the threads that parse pages are at.
//!
//! What it is told to do is done one after the other. The thread ends, and the connection is
//! closed, when the last handle is gone.

use std::{fmt, thread};

use futures::{FutureExt as _, future::BoxFuture};
use sqlx::{Connection as _, PgConnection};
use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
};

use super::open::Address;
use crate::store::{StoreError, error::EngineError};

/// The result of what was begun on the connection's thread.
pub(super) type Pending<T> = oneshot::Receiver<Result<T, StoreError>>;

type Job = Box<dyn FnOnce(PgConnection) -> BoxFuture<'static, Option<PgConnection>> + Send>;

/// A handle on the thread.
pub(super) struct PostgresConnection {
    jobs: mpsc::UnboundedSender<Job>,
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection").finish_non_exhaustive()
    }
}

impl PostgresConnection {
    /// Connects.
    pub(super) async fn open(address: &Address) -> Result<Self, StoreError> {
        let (jobs, todo) = mpsc::unbounded_channel::<Job>();
        let (opened, is_open) = oneshot::channel();
        let address = address.clone();
        let whilst = |source| StoreError::whilst("connecting to Postgres", source);
        thread::Builder::new()
            .name("postgres-write".to_owned())
            .spawn(move || {
                // Whoever asked may be gone: then nothing comes, and the thread ends.
                let tell = |told| drop(opened.send(told));
                let runtime = match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => return tell(Err(whilst(EngineError::NoThread(error)))),
                };
                runtime.block_on(async {
                    match address.connect().await {
                        Ok(connection) => {
                            tell(Ok(()));
                            work(connection, todo).await;
                        }
                        Err(error) => tell(Err(error)),
                    }
                });
            })
            .map_err(|error| whilst(EngineError::NoThread(error)))?;
        let ended = |_| Err(whilst(EngineError::ThreadEnded));
        is_open.await.unwrap_or_else(ended)?;
        Ok(Self { jobs })
    }

    /// Does something on the connection's thread. It is done to its end also where nobody waits
    /// for it any more.
    pub(super) async fn with<T, D>(
        &self,
        act: impl FnOnce(PgConnection) -> D + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: Future<Output = (PgConnection, Result<T, StoreError>)> + Send + 'static,
    {
        ended(self.begin(act)).await
    }

    /// Begins something on the connection's thread; its result comes when it is done.
    pub(super) fn begin<T, D>(
        &self,
        act: impl FnOnce(PgConnection) -> D + Send + 'static,
    ) -> Pending<T>
    where
        T: Send + 'static,
        D: Future<Output = (PgConnection, Result<T, StoreError>)> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        self.submit(|connection| async {
            let (connection, gives) = act(connection).await;
            let _ = done.send(gives);
            Some(connection)
        });
        result
    }

    /// Closes the connection.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        let (done, result) = oneshot::channel();
        self.submit(|connection| async {
            let whilst = |source| StoreError::whilst("closing the connection to Postgres", source);
            let _ = done.send(connection.close().await.map_err(whilst));
            None
        });
        ended(result).await
    }

    fn submit<D>(&self, job: impl FnOnce(PgConnection) -> D + Send + 'static)
    where
        D: Future<Output = Option<PgConnection>> + Send + 'static,
    {
        // A thread that has ended lets the job fall, and whoever waits for it is told.
        let _ = self
            .jobs
            .send(Box::new(|connection| job(connection).boxed()));
    }
}

/// What was begun gives.
pub(super) async fn ended<T>(begun: Pending<T>) -> Result<T, StoreError> {
    let gone = |_| Err(StoreError::whilst("writing", EngineError::ThreadEnded));
    begun.await.unwrap_or_else(gone)
}

async fn work(mut connection: PgConnection, mut todo: mpsc::UnboundedReceiver<Job>) {
    while let Some(job) = todo.recv().await {
        match job(connection).await {
            Some(same) => connection = same,
            None => return,
        }
    }
}
