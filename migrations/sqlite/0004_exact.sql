-- The sweep's cursor, how far a count is trusted, what a run planned and what its sweep spent, and
-- how far an interrupted `renormalize` came. The Postgres file of the same name adds the same.

alter table conversation_proofs add column swept_below text;

alter table conversations add column unlisted_moves integer not null default 0;
alter table conversations add column count_steady_runs integer;

alter table runs add column requests_planned integer;
alter table runs add column requests_swept integer not null default 0;

alter table archive add column renormalized_to integer;

drop view v_runs;

create view v_runs as
select
    id,
    command,
    program_version,
    holder,
    started_at,
    finished_at,
    outcome,
    exit_code,
    conversations_listed,
    conversations_complete,
    conversations_partial,
    conversations_gone,
    conversations_forbidden,
    conversations_failed,
    conversations_waived,
    conversations_empty,
    conversations_not_reached,
    messages_new,
    messages_changed,
    messages_deleted,
    messages_unchanged,
    messages_unrecognised,
    requests_total,
    requests_retried,
    requests_throttled,
    requests_planned,
    requests_swept
from runs;
