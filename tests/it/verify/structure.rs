//! What stands around the rows: tables, columns, constraints, indexes, views, triggers. Each change
//! to what the migrations make is found; what an operator keeps beside it is not.

use super::{
    damage::{Damage, damage},
    place::Lived,
};
use crate::program::Engine;

/// Valid on both engines.
pub(super) const EACH: &[Damage] = &[
    damage(
        "indexes",
        "messages",
        "create index mine on messages (type)",
    ),
    damage("indexes", "messages", "drop index messages_deleted"),
    damage(
        "indexes",
        "messages",
        "drop index messages_by_time;
         create index messages_by_time on messages (created_at)",
    ),
    damage(
        "schema",
        "senders",
        "create unique index mine on senders (kind, id)",
    ),
    damage(
        "schema",
        "conversation_links",
        "drop index conversation_links_once",
    ),
    damage(
        "schema",
        "messages",
        "alter table messages add column mine text",
    ),
    damage("schema", "v_locations", "drop view v_locations"),
];

const SQLITE: &[Damage] = &[
    damage(
        "schema",
        "v_messages",
        "pragma writable_schema = on;
         update sqlite_master set sql = sql || ' where m.id <> ''x''' where name = 'v_messages';
         pragma writable_schema = reset",
    ),
    damage(
        "schema",
        "messages",
        "create trigger mine after update on messages begin select 1; end",
    ),
    damage(
        "schema",
        "v_messages",
        "create trigger mine instead of insert on v_messages begin select 1; end",
    ),
    damage(
        "schema",
        "runs",
        "pragma writable_schema = on;
         update sqlite_master set sql = replace(sql, 'not null', '') where name = 'runs';
         pragma writable_schema = reset",
    ),
];

const POSTGRES: &[Damage] = &[
    damage(
        "schema",
        "sender_names",
        "alter table sender_names add constraint mine check (name <> 'x')",
    ),
    damage(
        "schema",
        "v_messages",
        "do $$ begin execute 'create or replace view v_messages as '
            || rtrim(pg_get_viewdef('v_messages'::regclass), ';') || ' where m.id <> ''x''';
         end $$",
    ),
    damage(
        "schema",
        "v_runs",
        "do $$ begin execute 'create or replace view v_runs as '
            || rtrim(pg_get_viewdef('v_runs'::regclass), ';') || ' order by id limit 3'; end $$",
    ),
    damage(
        "schema",
        "messages",
        "create function mine() returns trigger language plpgsql as 'begin return new; end';
         create trigger mine before update on messages for each row execute function mine()",
    ),
    damage(
        "schema",
        "runs",
        "create rule mine as on delete to runs do instead nothing",
    ),
    damage(
        "schema",
        "senders",
        "alter table senders enable row level security;
         create policy mine on senders using (kind <> 'user')",
    ),
    damage(
        "schema",
        "senders",
        "create table heir () inherits (senders)",
    ),
    damage(
        "schema",
        "runs",
        "alter table runs alter column started_at drop not null",
    ),
    damage(
        "schema",
        "archive",
        "alter table archive drop constraint archive_only_row_check",
    ),
    damage(
        "schema",
        "failures",
        "alter table failures disable trigger all",
    ),
    damage(
        "schema",
        "messages",
        "comment on column messages.text is 'Nothing.'",
    ),
];

/// What an operator may do, and what a dump and its restoration do to views.
const SQLITE_ALLOWED: &str = "
    create table mine (id integer primary key, note text);
    create index mine_by_note on mine (note);
    create trigger mine_watched after insert on mine begin select 1; end;
    create view mine_shown as select m.id, n.note from v_messages m join mine n on n.id = 1;
    analyze; vacuum";
const POSTGRES_ALLOWED: &str = "
    create table mine (id integer primary key, note text);
    create index mine_by_note on mine (note);
    create rule mine_watched as on delete to mine do instead nothing;
    create view mine_shown as select m.id, n.note from v_messages m join mine n on n.id = 1;
    create role reader_of_this_archive; grant select on v_messages to reader_of_this_archive;
    alter index messages_by_time set (fillfactor = 80);
    alter table messages set (autovacuum_vacuum_scale_factor = 0.05);
    comment on table runs is null;
    do $$ declare of record; begin
        for of in select c.oid, c.relname from pg_class c
                  where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace loop
            execute format('create or replace view %I as %s', of.relname, pg_get_viewdef(of.oid));
        end loop;
    end $$;
    analyze";

pub(super) async fn each_change_of_the_structure_is_found_and_nothing_else(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let (own, allowed) = match engine {
        Engine::Sqlite => (SQLITE, SQLITE_ALLOWED),
        Engine::Postgres => (POSTGRES, POSTGRES_ALLOWED),
    };
    for damage in EACH.iter().chain(own) {
        let copy = lived.copy().await;
        damage.assert_found(&copy).await;
        copy.drop().await;
    }
    let copy = lived.copy().await;
    copy.execute(allowed).await;
    let (json, code) = copy.verify().await;
    assert_eq!(code, 0, "{json:#}");
    if engine == Engine::Postgres {
        let role = "drop owned by reader_of_this_archive; drop role reader_of_this_archive";
        copy.execute(role).await;
    }
    copy.drop().await;
}
