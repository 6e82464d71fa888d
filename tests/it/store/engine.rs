//! Claims about opening: the lock, the fence, schemas, the gateway.

use std::{ops::Range, path::PathBuf, time::Duration};

use convault::{
    clock::Clock,
    model::ConversationState,
    store::{Batch, Store, StoreError, StoreOptions},
};

use super::{
    place::{Place, time},
    sample::{message, outcome, page, with_children},
};

pub(super) async fn a_held_archive_names_its_holder(place: Place) {
    let opened = place.open().await;
    let other = StoreOptions {
        lock_wait: Duration::from_millis(120),
        clock: Clock::manual(time(1_000_000 + 90_000)),
        ..place.options.clone()
    };
    let error = Store::open(&other).await.unwrap_err();
    assert!(error.is_held());
    assert_eq!(error.exit_code(), 6);
    let StoreError::Held { holder, age, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(holder, "sync, pid 12 on anvil");
    assert!(age.is_some());
    // Reading needs no lock.
    Store::open_read_only(&other).await.unwrap();

    drop(opened.lock);
    Store::open(&place.options).await.unwrap();
}

pub(super) async fn the_old_holder_is_fenced_off(place: Place) {
    let old = place.open().await;
    let key = old.register("conv_1").await;
    drop(old.lock);
    let new = place.open().await;
    let batch = convault::store::Batch {
        run: Some(old.run),
        pages: vec![page(key, 10, vec![message("m", 1, "{}")])],
        ..Default::default()
    };
    let error = old.store.write(&batch).await.unwrap_err();
    assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
    assert_eq!(place.number("select count(*) from messages").await, 0);
    let stats = new
        .write(vec![page(key, 10, vec![message("m", 1, "{}")])])
        .await;
    assert_eq!(stats.messages.new, 1);
}

pub(super) async fn a_newer_schema_is_refused(place: Place) {
    drop(place.open().await);
    place
        .execute(
            "insert into _sqlx_migrations
             (version, description, success, checksum, execution_time)
             select 9999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1",
        )
        .await;
    for error in [
        Store::open(&place.options).await.unwrap_err(),
        Store::open_read_only(&place.options).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, StoreError::NewerSchema { found: 9999, .. }),
            "{error}"
        );
        assert_eq!(error.exit_code(), 8);
    }
}

pub(super) async fn nothing_is_not_opened_for_reading(place: Place) {
    let error = Store::open_read_only(&place.options).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    if let Some(folder) = &place.folder {
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    drop(place.open().await);
    let store = Store::open_read_only(&place.options).await.unwrap();
    let error = store.bind_gateway("https://a.example").await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert_eq!(store.read_status().await.unwrap().messages, 0);
}

pub(super) async fn an_archive_belongs_to_one_gateway(place: Place) {
    let opened = place.open().await;
    let store = &opened.store;
    assert_eq!(store.read_gateway().await.unwrap(), None);
    assert!(
        store
            .rename_gateway("https://a", "https://b")
            .await
            .is_err()
    );
    // A mistyped address that never answered does not bind the archive for good.
    store.bind_gateway("https://mistyped").await.unwrap();
    store.bind_gateway("https://a").await.unwrap();
    store.bind_gateway("https://a").await.unwrap();
    let key = opened.register("conv_1").await;
    let told = Batch {
        run: Some(opened.run),
        outcomes: vec![outcome(key, ConversationState::Complete)],
        ..Batch::default()
    };
    store.write(&told).await.unwrap();
    let error = store.bind_gateway("https://b").await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("https://a"), "{error}");
    assert!(
        store
            .rename_gateway("https://c", "https://b")
            .await
            .is_err()
    );
    store
        .rename_gateway("https://a", "https://b")
        .await
        .unwrap();
    assert_eq!(
        store.read_gateway().await.unwrap().as_deref(),
        Some("https://b")
    );
}

pub(super) async fn two_that_start_at_once_make_one_archive(place: Place) {
    let start = async || drop(place.open().await);
    tokio::join!(start(), start());
    assert_eq!(place.number("select count(*) from runs").await, 2);
    assert_eq!(place.number("select epoch from archive").await, 2);
}

pub(super) async fn a_sound_archive_has_nothing_wrong(place: Place) {
    let opened = place.open().await;
    assert_eq!(
        opened.store.check_integrity().await.unwrap(),
        Vec::<String>::new()
    );
    opened.store.close().await;
    let store = Store::open_read_only(&place.options).await.unwrap();
    assert_eq!(store.check_integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn the_linked_sqlite_cannot_corrupt_a_wal() {
    let place = Place::sqlite();
    let version = place.open().await.store.engine_version().await.unwrap();
    let numbers: Vec<u32> = version
        .strip_prefix("SQLite ")
        .unwrap()
        .split('.')
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(numbers >= vec![3, 51, 3], "{version}");
}

#[tokio::test]
async fn postgres_tells_its_version() {
    let version = Place::postgres()
        .open()
        .await
        .store
        .engine_version()
        .await
        .unwrap();
    let number = version.strip_prefix("PostgreSQL ").unwrap();
    assert!(
        number.split('.').all(|part| part.parse::<u32>().is_ok()),
        "{version}"
    );
}

#[tokio::test]
async fn postgres_knows_what_a_run_has_written_when_it_ends() {
    let place = Place::postgres();
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let columns_known = async || {
        let schema = place.options.schema.as_deref().unwrap();
        let ask = format!(
            "select tablename || '.' || attname from pg_stats where schemaname = '{schema}'"
        );
        let known: Vec<String> = place.texts(&ask).await.into_iter().flatten().collect();
        let wanted = [
            "messages.key",
            "messages.conversation_key",
            "messages.created_at",
            "message_versions.message_key",
            "attachments.message_key",
        ];
        wanted
            .iter()
            .filter(|wanted| known.iter().any(|column| column == *wanted))
            .count()
    };
    let write = async |numbers: Range<i64>| {
        let of = |number| with_children(message(&format!("m{number}"), number, "{}"));
        opened
            .write(vec![page(key, 10, numbers.map(of).collect())])
            .await;
        opened.store.sync().await.unwrap();
    };
    // A few rows are not worth a look.
    write(1..11).await;
    assert_eq!(columns_known().await, 0);
    write(11..5_001).await;
    assert_eq!(columns_known().await, 5);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_of_an_archive_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite();
    let _opened = place.open().await;
    let folder = place.folder.as_ref().unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["a.db", "a.db-shm", "a.db-wal", "a.db.lock"]);
}

#[tokio::test]
async fn an_archive_reached_by_another_name_is_still_held() {
    let place = Place::sqlite();
    let _opened = place.open().await;
    let folder = place.folder.as_ref().unwrap().path();
    let link = folder.join("b.db");
    std::os::unix::fs::symlink(folder.join("a.db"), &link).unwrap();
    let other = StoreOptions {
        url: format!("sqlite:{}", link.display()).parse().unwrap(),
        lock_wait: Duration::ZERO,
        ..place.options.clone()
    };
    assert!(Store::open(&other).await.unwrap_err().is_held());
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let mut place = Place::sqlite();
    let path: PathBuf = place.folder.as_ref().unwrap().path().join("no/such/a.db");
    place.options.url = format!("sqlite:{}", path.display()).parse().unwrap();
    let error = Store::open(&place.options).await.unwrap_err();
    assert_eq!(error.exit_code(), 8);
    assert!(error.to_string().contains("no/such/a.db"), "{error}");
    assert!(error.to_string().contains("directory"), "{error}");
}

#[tokio::test]
async fn an_unreachable_postgres_shows_no_password() {
    let mut place = Place::sqlite();
    // Port 1 of this machine: nothing listens there.
    place.options.url = "postgres://u:hunter2@127.0.0.1:1/d".parse().unwrap();
    let error = Store::open(&place.options).await.unwrap_err();
    assert_eq!(error.exit_code(), 8);
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    let error = anyhow::Error::from(error);
    assert!(!format!("{error:#}{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_schema_with_a_strange_name_is_refused() {
    let mut place = Place::postgres();
    place.options.schema = Some("a\"; drop schema public; --".into());
    let error = Store::open(&place.options).await.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
}

#[tokio::test]
async fn two_schemas_of_one_database_do_not_wait_for_each_other() {
    let (one, other) = (Place::postgres(), Place::postgres());
    let _one = one.open().await;
    let _other = other.open().await;
}

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let (sqlite, postgres) = (Place::sqlite(), Place::postgres());
    drop(sqlite.open().await);
    drop(postgres.open().await);
    let ours = sqlite
        .texts(
            "select t.name || '.' || c.name from sqlite_master t, pragma_table_info(t.name) c
             where t.type in ('table', 'view') and t.name not like '#_%' escape '#'
               and t.name not like 'sqlite#_%' escape '#'
               and t.name not like 'search#_index%' escape '#' -- each engine's own
             order by t.name, c.cid",
        )
        .await;
    let theirs = postgres
        .texts(
            "select (table_name || '.' || column_name)::text from information_schema.columns
             where table_schema = current_schema() and table_name not like '\\_%'
               and table_name not like 'search\\_index%'
             order by table_name collate \"C\", ordinal_position",
        )
        .await;
    assert!(ours.len() > 100);
    assert_eq!(ours, theirs);
}
