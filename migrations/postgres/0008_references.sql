-- What a batch writes for every message refers to rows by keys that the program itself has given,
-- and `verify` looks for the row behind each. For the server to ask again for every row, and to
-- lock the row it finds, took two thirds of the time of writing messages. References among tables
-- that do not grow with the messages stay. The SQLite file of the same name has nothing to do.

alter table messages
    drop constraint messages_conversation_key_fkey,
    drop constraint messages_first_seen_run_fkey,
    drop constraint messages_missing_run_fkey;
alter table message_versions
    drop constraint message_versions_message_key_fkey,
    drop constraint message_versions_run_id_fkey;
alter table quick_replies drop constraint quick_replies_message_key_fkey;
alter table quick_reply_options drop constraint quick_reply_options_message_key_fkey;
alter table attachments drop constraint attachments_message_key_fkey;
alter table locations drop constraint locations_message_key_fkey;
alter table shared_contacts drop constraint shared_contacts_message_key_fkey;
alter table template_variables drop constraint template_variables_message_key_fkey;
alter table anomalies drop constraint anomalies_message_key_fkey;
