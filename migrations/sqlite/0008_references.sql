-- In Postgres this drops the references of the tables that grow with the messages. SQLite keeps
-- them as words: it is the connection that asks, or does not.
select 1;
