//! A place for archives on one engine, used for one scenario after the other: emptied in between,
//! since to make a schema anew costs more than to play a scenario in it.

use std::{path::Path, time::Duration};

use convault::{clock::Clock, store::StoreOptions};
use tempfile::TempDir;

use crate::{migrated::Archive, postgres};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

pub(super) struct Lane {
    url: String,
    schema: Option<String>,
    /// The folder of the file; kept until the lane ends.
    _folder: Option<TempDir>,
    /// A look behind the store's back.
    look: Archive,
    /// What takes every row away.
    emptying: String,
}

impl Lane {
    pub(super) async fn open(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = in_memory_if_possible();
                let path = folder.path().join("a.db");
                let look = Archive::sqlite(&path).await;
                let url = format!("sqlite:{}", path.display());
                Self::new(engine, url, None, Some(folder), look).await
            }
            Engine::Postgres => {
                let look = Archive::postgres().await;
                let Archive::Postgres { schema, .. } = &look else {
                    unreachable!("it was asked for Postgres")
                };
                let schema = Some(schema.clone());
                Self::new(engine, postgres::url(), schema, None, look).await
            }
        }
    }

    async fn new(
        engine: Engine,
        url: String,
        schema: Option<String>,
        folder: Option<TempDir>,
        mut look: Archive,
    ) -> Self {
        let (before, tables) = match engine {
            Engine::Sqlite => (
                "pragma foreign_keys = off",
                "select name from sqlite_master where type = 'table'",
            ),
            Engine::Postgres => (
                "set session_replication_role = replica",
                "select tablename from pg_tables where schemaname = current_schema()",
            ),
        };
        look.execute(before).await;
        let tables = look.query(tables).await.rows.concat();
        // SQLite's index of words has no rows of its own, and its tables are not ours to touch.
        let (apart, emptying) = match engine {
            Engine::Sqlite => (
                "search_index",
                "insert into search_index (search_index) values ('delete-all')",
            ),
            Engine::Postgres => ("_sqlx", ""),
        };
        let is_ours = |name: &&String| {
            !name.starts_with("_sqlx")
                && !name.starts_with(apart)
                && !["data_dictionary", "time_zone_offsets"].contains(&name.as_str())
        };
        let deletions = tables.iter().filter(is_ours);
        let mut emptying = vec![emptying.to_owned()];
        emptying.extend(deletions.map(|name| format!("delete from {name}")));
        Self {
            url,
            schema,
            _folder: folder,
            look,
            emptying: emptying.join("; "),
        }
    }

    /// How the store finds the archive.
    pub(super) fn options(&self, clock: &Clock) -> StoreOptions {
        StoreOptions {
            url: self.url.parse().unwrap(),
            schema: self.schema.clone(),
            lock_wait: Duration::from_secs(20),
            holder: "sync, pid 12 on anvil".to_owned(),
            clock: clock.clone(),
        }
    }

    /// Takes every row away, as if the archive had just been made.
    pub(super) async fn clear(&mut self) {
        let emptying = self.emptying.clone();
        self.look.execute(&emptying).await;
    }

    /// The rows of a query that is valid on both engines, each cell as text.
    pub(super) async fn rows(&mut self, sql: &str) -> Vec<Vec<String>> {
        self.look.query(sql).await.rows
    }

    /// Names of columns and rows.
    pub(super) async fn table(&mut self, sql: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let answer = self.look.query(sql).await;
        (answer.columns, answer.rows)
    }

    pub(super) async fn close(self) {
        self.look.close().await;
    }
}

/// What is asked here does not hang on a disk: whoever wants to pull the plug looks elsewhere.
fn in_memory_if_possible() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}
