//! The schema of a database, as its catalogue has it. What it should be is a list that a test
//! keeps true (`catalogue.txt`), in words that do not depend on the version of the server.
//!
//! Views are the exception: how a server spells a view out changes from version to version, and
//! with it what it says of one and the same view. So the server is asked how it would carry out
//! the view that is there and the text of the migrations, one after the other, and the two plans
//! are compared. That needs no right to create anything, and works on a standby.

mod plan;

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::open::{MIGRATIONS, Postgres};
use crate::store::{
    StoreError, dictionary,
    schema::{Schema, SchemaKind, SchemaObject},
};

/// Every table, column, constraint and index of a fresh archive, one a line: kind, relation, name
/// and definition, a tab between. Generated: `CONVAULT_BLESS=1 cargo test --test it dictionary`.
const CATALOGUE: &str = include_str!("catalogue.txt");

/// Plans follow from what the server knows of the rows, which changes beside a run: views whose
/// plans differ are asked for again so often.
const ATTEMPTS: usize = 4;

/// What is in the catalogue, each with its kind, relation, name and definition. Left out is what
/// the server makes by itself, what depends on its version (quotes, constraints of columns that
/// are not null), and how an operator has tuned what is stored.
const READ: &str = r#"
with ours as (select c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, n.nspname
              from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = $1 and c.relkind in ('r', 'p', 'f', 'v', 'm')
                and c.relname <> '_sqlx_migrations')
select 'relation' as kind, relname as relation, '' as name,
       case relkind when 'r' then 'table' when 'v' then 'view' else 'neither table nor view' end
       || case relpersistence when 'u' then ', not logged' else '' end
       || case when relrowsecurity then ', with row security' else '' end as definition
from ours
union all
select 'column', o.relname, a.attname,
       row_number() over (partition by o.oid order by a.attnum) || ' '
       || format_type(a.atttypid, a.atttypmod)
       || case when a.attnotnull then ' not null' else '' end
       || case when a.attidentity <> '' or a.attgenerated <> '' then ' generated' else '' end
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
from ours o join pg_attribute a on a.attrelid = o.oid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped
union all
select 'constraint', o.relname, c.conname, replace(pg_get_constraintdef(c.oid), '"', '')
from ours o join pg_constraint c on c.conrelid = o.oid
where c.contype in ('c', 'f', 'p', 'u', 'x')
union all
select case when i.indisunique then 'unique index' else 'index' end, o.relname, x.relname,
       regexp_replace(replace(replace(pg_get_indexdef(i.indexrelid), '"', ''),
                              o.nspname || '.', ''),
                      ' WITH \([^)]*\)', '')
from ours o join pg_index i on i.indrelid = o.oid join pg_class x on x.oid = i.indexrelid
where not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid
                                                   and c.contype in ('p', 'u', 'x'))
union all
select 'intruder', o.relname, t.tgname, 'a trigger, or one of the server''s that is disabled'
from ours o join pg_trigger t on t.tgrelid = o.oid where not t.tgisinternal or t.tgenabled <> 'O'
union all
select 'intruder', o.relname, r.rulename, 'a rule'
from ours o join pg_rewrite r on r.ev_class = o.oid where r.rulename <> '_RETURN'
union all
select 'intruder', o.relname, p.polname, 'a policy'
from ours o join pg_policy p on p.polrelid = o.oid
union all
select 'intruder', o.relname, h.inhrelid::regclass::text, 'a table that inherits from it'
from ours o join pg_inherits h on h.inhparent = o.oid"#;

/// Comments on what is described. One that is missing (a dump can leave all of them out) says
/// nothing wrong.
const COMMENTS: &str = "
select c.relname, '', obj_description(c.oid, 'pg_class')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'v')
  and obj_description(c.oid, 'pg_class') is not null
union all
select c.relname, a.attname, col_description(c.oid, a.attnum)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid
where n.nspname = $1 and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped
  and col_description(c.oid, a.attnum) is not null";

/// Reads both sides.
pub(super) async fn read(archive: &Postgres) -> Result<Schema, StoreError> {
    let mut schema = Schema {
        expected: CATALOGUE.lines().filter_map(object).collect(),
        found: Vec::new(),
    };
    for row in select(archive, READ).await? {
        let [kind, relation, name, definition] = [0, 1, 2, 3].map(|at| row.get::<String, _>(at));
        schema
            .found
            .extend(object(&format!("{kind}\t{relation}\t{name}\t{definition}")));
    }
    compare_comments(archive, &mut schema).await?;
    for (view, text) in views() {
        let is_there = |of: &&SchemaObject| of.kind == SchemaKind::Relation && of.relation == view;
        if schema.found.iter().any(|of| is_there(&of)) {
            compare_view(archive, &view, &text, &mut schema).await?;
        }
    }
    Ok(schema)
}

async fn select(
    archive: &Postgres,
    sql: &'static str,
) -> Result<Vec<sqlx::postgres::PgRow>, StoreError> {
    sqlx::query(sql)
        .bind(&archive.address.schema)
        .fetch_all(&archive.readers)
        .await
        .map_err(failed)
}

fn failed(source: sqlx::Error) -> StoreError {
    StoreError::whilst("reading the schema of the database", source)
}

/// A line of the catalogue.
fn object(line: &str) -> Option<SchemaObject> {
    let mut parts = line.splitn(4, '\t');
    let kind = match parts.next()? {
        "relation" => SchemaKind::Relation,
        "column" => SchemaKind::Column,
        "constraint" => SchemaKind::Constraint,
        "index" => SchemaKind::Index,
        "unique index" => SchemaKind::UniqueIndex,
        _ => SchemaKind::Intruder,
    };
    Some(SchemaObject {
        kind,
        relation: parts.next()?.to_owned(),
        name: parts.next()?.to_owned(),
        definition: parts.next()?.to_owned(),
    })
}

async fn compare_comments(archive: &Postgres, schema: &mut Schema) -> Result<(), StoreError> {
    let mut described = BTreeMap::new();
    for of in dictionary::objects() {
        described.insert((of.name, ""), of.purpose);
        described.extend(
            of.columns
                .iter()
                .map(|(name, meaning)| ((of.name, *name), *meaning)),
        );
    }
    for row in select(archive, COMMENTS).await? {
        let [relation, name, found] = [0, 1, 2].map(|at| row.get::<String, _>(at));
        let Some(&expected) = described.get(&(&*relation, &*name)) else {
            continue;
        };
        let of = |definition: &str| SchemaObject {
            kind: SchemaKind::Meaning,
            relation: relation.clone(),
            name: name.clone(),
            definition: definition.to_owned(),
        };
        schema.expected.push(of(expected));
        schema.found.push(of(&found));
    }
    Ok(())
}

async fn compare_view(
    archive: &Postgres,
    view: &str,
    text: &str,
    schema: &mut Schema,
) -> Result<(), StoreError> {
    // All of one connection: which index a plan takes may hang on what a connection has cached.
    let mut connection = archive.readers.acquire().await.map_err(failed)?;
    let reader = &mut *connection;
    let (mut expected, mut found) = (String::new(), String::new());
    for _ in 0..ATTEMPTS {
        expected = plan_of(reader, &format!("({text}\n)")).await?;
        found = plan_of(reader, &format!("\"{view}\"")).await?;
        if expected == found {
            break;
        }
        // What came from a server before 14 spells `extract` as it was stored there.
        let older = plan_of(reader, &format!("({}\n)", with_date_part(text))).await?;
        if older == found {
            expected = older;
            break;
        }
    }
    let of = |definition| SchemaObject {
        kind: SchemaKind::View,
        relation: view.to_owned(),
        name: String::new(),
        definition,
    };
    schema.expected.push(of(expected));
    schema.found.push(of(found));
    Ok(())
}

/// How the server would read it all; or why it cannot, which is no failure of ours.
async fn plan_of(reader: &mut PgConnection, source: &str) -> Result<String, StoreError> {
    let explain = format!("explain (verbose, costs off) select * from {source} as v");
    let lines: Result<Vec<String>, _> = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_all(&mut *reader)
        .await;
    match lines {
        Ok(lines) => {
            let lines = lines
                .iter()
                .filter(|line| !line.trim_start().starts_with("Query Identifier:"));
            let text = lines.fold(String::new(), |text, line| text + line + "\n");
            Ok(plan::without_names(&text))
        }
        Err(sqlx::Error::Database(error)) => Ok(format!("cannot be read: {}", error.message())),
        Err(error) => Err(failed(error)),
    }
}

fn with_date_part(text: &str) -> String {
    ["epoch", "hour", "isodow"]
        .iter()
        .fold(text.to_owned(), |text, field| {
            text.replace(
                &format!("extract({field} from "),
                &format!("date_part('{field}', "),
            )
        })
}

/// What each view selects, by the migrations.
fn views() -> BTreeMap<String, String> {
    let mut views = BTreeMap::new();
    for migration in MIGRATIONS.iter() {
        for statement in statements(migration.sql.as_str()) {
            let words = statement.strip_prefix("create or replace view ");
            if let Some(rest) = words.or_else(|| statement.strip_prefix("create view "))
                && let Some((name, text)) = rest.split_once(" as\n")
            {
                views.insert(name.to_owned(), text.to_owned());
            } else if let Some(name) = statement.strip_prefix("drop view ") {
                views.remove(name);
            }
        }
    }
    views
}

/// The statements of a migration, without comments.
fn statements(sql: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = sql.chars().peekable();
    while let Some(character) = characters.next() {
        let current = statements
            .last_mut()
            .expect("there is one from the beginning");
        match character {
            '-' if !is_quoted && characters.peek() == Some(&'-') => {
                // The line break stays: it parts words.
                while characters.next_if(|next| *next != '\n').is_some() {}
            }
            ';' if !is_quoted => statements.push(String::new()),
            _ => {
                is_quoted ^= character == '\'';
                current.push(character);
            }
        }
    }
    let trimmed = statements.iter().map(|one| one.trim().to_owned());
    trimmed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_parted_whatever_stands_in_quotes_and_comments() {
        let sql = "-- it's; one\ncreate view a as\nselect ';--' -- two\n, 1;\n\ndrop view b;";
        assert_eq!(
            statements(sql),
            ["create view a as\nselect ';--' \n, 1", "drop view b", ""]
        );
    }

    #[test]
    fn every_described_view_is_one_of_the_migrations() {
        let views = views();
        for view in dictionary::VIEWS {
            assert!(views[view.name].starts_with("select") || views[view.name].starts_with("with"));
        }
        assert_eq!(views.len(), dictionary::VIEWS.len() + 1, "the index's own");
    }

    #[test]
    fn extract_is_spelled_as_it_was() {
        assert_eq!(
            with_date_part("extract(epoch from a.b) + extract(hour from (c))"),
            "date_part('epoch', a.b) + date_part('hour', (c))"
        );
    }
}
