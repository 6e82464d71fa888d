//! The description of the schema agrees with the schema, and what is generated from it is fresh.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use convault::{
    clock::Clock,
    store::{
        SchemaKind, Store, StoreOptions,
        dictionary::{
            self, COMMENTS_BEGIN, COMMENTS_MIGRATION, Many, Object, Reference, TABLES, VIEWS,
        },
    },
};

use crate::{migrated::Archive, postgres};

const REGENERATE: &str = "CONVAULT_BLESS=1 cargo test --test it dictionary";

#[test]
fn the_document_is_what_the_description_says() {
    assert_fresh(Path::new("docs/schema.md"), &dictionary::schema_document());
}

#[test]
fn the_comment_migrations_are_what_the_description_says() {
    let file = |engine: &str| {
        Path::new("migrations")
            .join(engine)
            .join(COMMENTS_MIGRATION)
    };
    for (engine, comments) in [
        ("sqlite", dictionary::sqlite_comments()),
        ("postgres", dictionary::postgres_comments()),
    ] {
        let file = file(engine);
        let whole = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let by_hand = whole.split(COMMENTS_BEGIN).next().unwrap();
        assert_fresh(&file, &format!("{by_hand}{comments}"));
    }
}

#[tokio::test]
async fn the_description_covers_exactly_the_columns_of_a_sqlite_archive() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::sqlite(&folder.path().join("a.db")).await;
    let found = archive
        .query(
            "select o.type, o.name, c.name from sqlite_schema o, pragma_table_info(o.name) c
             where o.type in ('table', 'view') and o.name not like '\\_sqlx%' escape '\\'
               and o.name not like 'sqlite\\_%' escape '\\'
               and o.name not like 'search\\_index%' escape '\\' -- each engine's own
             order by o.name, c.cid",
        )
        .await;
    assert_eq!(by_object(&found.rows), described());
    archive.close().await;
}

#[tokio::test]
async fn the_description_covers_exactly_the_columns_of_a_postgres_archive() {
    let mut archive = Archive::postgres().await;
    let found = archive
        .query(
            "select case c.relkind when 'v' then 'view' else 'table' end, c.relname, a.attname
             from pg_class c join pg_attribute a on a.attrelid = c.oid
             where c.relnamespace = current_schema()::regnamespace
               and c.relkind in ('r', 'v') and c.relname not like '\\_sqlx%'
               and c.relname not like 'search\\_index%' -- each engine's own
               and a.attnum > 0 and not a.attisdropped
             order by c.relname, a.attnum",
        )
        .await;
    assert_eq!(by_object(&found.rows), described());
    let silent = archive
        .query(
            "select c.relname, a.attname
             from pg_class c join pg_attribute a on a.attrelid = c.oid
             where c.relnamespace = current_schema()::regnamespace
               and c.relkind in ('r', 'v') and c.relname not like '\\_sqlx%'
               and c.relname not like 'search\\_index%'
               and a.attnum > 0 and not a.attisdropped
               and (col_description(c.oid, a.attnum) is null
                 or obj_description(c.oid, 'pg_class') is null)",
        )
        .await;
    assert_eq!(silent.rows, Vec::<Vec<String>>::new(), "without a comment");
    archive.close().await;
}

#[tokio::test]
async fn the_description_names_every_foreign_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::sqlite(&folder.path().join("a.db")).await;
    for table in TABLES {
        let found = archive
            .query(&format!(
                "select f.\"from\", f.\"table\",
                     c.pk = 1 and (select count(*) from pragma_table_info('{0}') where pk > 0) = 1
                 from pragma_foreign_key_list('{0}') f
                 join pragma_table_info('{0}') c on c.name = f.\"from\"",
                table.name
            ))
            .await;
        let found: BTreeSet<_> = found.rows.iter().map(|row| row.join(" ")).collect();
        let described: BTreeSet<_> = table.references.iter().map(in_words).collect();
        assert_eq!(found, described, "{}", table.name);
    }
    archive.close().await;
}

#[tokio::test]
async fn an_archive_carries_the_same_dictionary_on_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = Archive::sqlite(&folder.path().join("a.db")).await;
    let mut postgres = Archive::postgres().await;
    let all = "select * from v_data_dictionary";
    let on_sqlite = sqlite.query(all).await.sorted();
    assert_eq!(on_sqlite, postgres.query(all).await.sorted());
    let lines: usize = dictionary::objects().map(|o| o.columns.len() + 1).sum();
    assert_eq!(on_sqlite.rows.len(), lines);
    sqlite.close().await;
    postgres.close().await;
}

/// What `verify` holds the catalogue of a Postgres archive against.
#[tokio::test]
async fn the_catalogue_of_postgres_is_the_one_that_the_migrations_make() {
    let archive = Archive::postgres().await;
    let Archive::Postgres { schema, .. } = &archive else {
        unreachable!("it was asked for Postgres")
    };
    let options = StoreOptions {
        url: postgres::url().parse().unwrap(),
        schema: Some(schema.clone()),
        lock_wait: Duration::ZERO,
        holder: "a test".to_owned(),
        clock: Clock::system(),
    };
    let store = Store::open_read_only(&options).await.unwrap();
    let mut lines = Vec::new();
    for found in store.read_schema().await.unwrap() {
        if !matches!(found.kind, SchemaKind::View | SchemaKind::Meaning) {
            let (kind, relation) = (found.kind.as_str(), found.relation);
            let (name, definition) = (found.name, found.definition);
            lines.push(format!("{kind}\t{relation}\t{name}\t{definition}\n"));
        }
    }
    lines.sort_unstable();
    let catalogue = Path::new("src/store/postgres/catalogue.txt");
    assert_fresh(catalogue, &lines.concat());
    store.close().await;
    archive.close().await;
}

/// Compares a generated file with what it should be, or writes it under `CONVAULT_BLESS=1`.
fn assert_fresh(file: &Path, expected: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    #[expect(clippy::disallowed_methods, reason = "asks a test to rewrite a file")]
    if std::env::var_os("CONVAULT_BLESS").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is stale: run {REGENERATE}",
        file.display()
    );
}

type Columns = BTreeMap<(String, String), Vec<String>>;

fn by_object(rows: &[Vec<String>]) -> Columns {
    let mut found = Columns::new();
    for row in rows {
        let object = (row[0].clone(), row[1].clone());
        found.entry(object).or_default().push(row[2].clone());
    }
    found
}

fn described() -> Columns {
    let columns = |object: &Object| object.columns.iter().map(|c| c.0.to_owned()).collect();
    let named = |kind: &'static str, objects: &'static [Object]| {
        objects
            .iter()
            .map(move |o| ((kind.to_owned(), o.name.to_owned()), columns(o)))
    };
    named("table", TABLES).chain(named("view", VIEWS)).collect()
}

fn in_words(reference: &Reference) -> String {
    let alone = i32::from(reference.many == Many::AtMostOne);
    format!("{} {} {alone}", reference.column, reference.table)
}
