-- The order of observations is the archive's own: run, then request. And what an older state needs
-- to count again: that two runs have seen it, the visibility lag apart.
alter table messages add column observed_run integer;
alter table messages add column older_digest blob;
alter table messages add column older_since text;
alter table messages add column older_run integer;

-- What every table, view and column means. SQLite keeps no comments of its own: the table is all there is.
-- Generated from src/store/dictionary.rs: CONVAULT_BLESS=1 cargo test --test it dictionary

delete from data_dictionary;

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_messages', 0, null, 'Every message in its current state; deleted ones stay, with deleted_at set.'),
    ('v_messages', 1, 'id', 'The message''s id, or sha256: and a hash where the gateway gave none.'),
    ('v_messages', 2, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_messages', 3, 'organization_id', 'The organisation that the message names.'),
    ('v_messages', 4, 'business_unit_id', 'The business unit that the message names.'),
    ('v_messages', 5, 'sender_id', 'Who sent it, as received: v_senders.id.'),
    ('v_messages', 6, 'sender_kind', 'contact (con_…: a customer), user (u_…: a person or a bot) or unknown.'),
    ('v_messages', 7, 'direction', 'inbound (from a contact), outbound (from a user) or unknown.'),
    ('v_messages', 8, 'type', 'The declared type exactly as received.'),
    ('v_messages', 9, 'media_kind', 'What its file seems to be: image, video, audio, sticker, pdf, csv or file; null without a file.'),
    ('v_messages', 10, 'title', 'The title, where there is one.'),
    ('v_messages', 11, 'text', 'The words of the message, wherever in the JSON they were; templates filled in.'),
    ('v_messages', 12, 'is_mail', 'Whether it is an e-mail; null where it does not say.'),
    ('v_messages', 13, 'created_at', 'When it was created, by the gateway''s clock.'),
    ('v_messages', 14, 'updated_at', 'When it was last changed, by the gateway''s clock.'),
    ('v_messages', 15, 'version', 'How many states of it were observed: v_message_history.version of the current one.'),
    ('v_messages', 16, 'first_seen_run', 'The run that saw it first: v_runs.id.'),
    ('v_messages', 17, 'deleted_at', 'The first time it was not listed any more, set once that was confirmed; null while it lives.'),
    ('v_messages', 18, 'missing_since', 'Since when the gateway does not list it, confirmed or not; null while it does.'),
    ('v_messages', 19, 'stream_id', 'What the chunks of one streamed answer have in common.'),
    ('v_messages', 20, 'stream_sequence', 'The place of a chunk in a streamed answer.'),
    ('v_messages', 21, 'created_ms', 'created_at in milliseconds since 1970, UTC: for sums that are the same on both engines.'),
    ('v_messages', 22, 'local_day', 'Its day in the archive''s zone: v_archive.time_zone.'),
    ('v_messages', 23, 'local_hour', 'Its hour in that zone, 0 to 23.'),
    ('v_messages', 24, 'local_weekday', 'Its day of the week in that zone, 1 for Monday to 7.'),
    ('v_messages', 25, 'sender_name', 'The sender''s imported name; null until there is one.'),
    ('v_messages', 26, 'sender_team', 'The sender''s imported team.'),
    ('v_messages', 27, 'sender_is_bot', 'Whether the sender is a bot; null where nobody has said so.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_message_gaps', 0, null, 'Each message that is not deleted with the one before it in its conversation, by time.'),
    ('v_message_gaps', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_message_gaps', 2, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_message_gaps', 3, 'created_at', 'When it was created, by the gateway''s clock.'),
    ('v_message_gaps', 4, 'sender_id', 'Who sent it, as received: v_senders.id.'),
    ('v_message_gaps', 5, 'direction', 'inbound (from a contact), outbound (from a user) or unknown.'),
    ('v_message_gaps', 6, 'previous_message_id', 'The message before it; null for the first.'),
    ('v_message_gaps', 7, 'previous_created_at', 'When that one was created.'),
    ('v_message_gaps', 8, 'previous_sender_id', 'Who sent that one.'),
    ('v_message_gaps', 9, 'previous_direction', 'The direction of that one.'),
    ('v_message_gaps', 10, 'gap_ms', 'Milliseconds between the two; null for the first.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_conversations', 0, null, 'Every conversation that was ever listed, with how much of it is proven.'),
    ('v_conversations', 1, 'id', 'The conversation''s id as it was listed.'),
    ('v_conversations', 2, 'organization_id', 'The organisation, as its messages say.'),
    ('v_conversations', 3, 'business_unit_id', 'The business unit, as its messages say.'),
    ('v_conversations', 4, 'state', 'The outcome of the last run that attempted it: pending (never attempted), complete, partial, gone, forbidden or failed.'),
    ('v_conversations', 5, 'reason', 'Why it is in that state; null where it is complete.'),
    ('v_conversations', 6, 'message_count', 'Archived messages that are not deleted.'),
    ('v_conversations', 7, 'first_message_at', 'created_at of the oldest of them.'),
    ('v_conversations', 8, 'last_message_at', 'created_at of the newest of them.'),
    ('v_conversations', 9, 'checked_at', 'The last time that the newest page and the gateway''s count agreed with the archive.'),
    ('v_conversations', 10, 'proven_at', 'How old the oldest page is that the proof rests on; null while there is a hole.'),
    ('v_conversations', 11, 'horizon', 'Every message created before it and not deleted is proven to be archived.'),
    ('v_conversations', 12, 'state_since', 'Since when it is in that state.'),
    ('v_conversations', 13, 'tail_proof', 'How its beginning was proven: count, empty_page, or short_page, the weaker one.'),
    ('v_conversations', 14, 'first_listed_run', 'The run that listed it first: v_runs.id.'),
    ('v_conversations', 15, 'last_run', 'The last run that attempted it: v_runs.id.'),
    ('v_conversations', 16, 'inbound_count', 'Of the message_count, those from contacts.'),
    ('v_conversations', 17, 'outbound_count', 'Those from users.'),
    ('v_conversations', 18, 'text_count', 'Those of type text without a file.'),
    ('v_conversations', 19, 'media_count', 'Those with a file, of any type.'),
    ('v_conversations', 20, 'response_count', 'Those of type response: offers of options.'),
    ('v_conversations', 21, 'quick_reply_count', 'Those of type quick_reply: choices.'),
    ('v_conversations', 22, 'other_count', 'Those of other types without a file; the five add up.'),
    ('v_conversations', 23, 'deleted_count', 'Archived messages that are deleted.'),
    ('v_conversations', 24, 'first_response_ms', 'Milliseconds from the contact''s first message to the first one of a user after it.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_coverage', 0, null, 'How much of each conversation is proven to be archived, and what is in the way.'),
    ('v_coverage', 1, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_coverage', 2, 'state', 'The outcome of the last run that attempted it: pending (never attempted), complete, partial, gone, forbidden or failed.'),
    ('v_coverage', 3, 'reason', 'Why it is in that state; null where it is complete.'),
    ('v_coverage', 4, 'state_since', 'Since when it is in that state.'),
    ('v_coverage', 5, 'checked_at', 'The last time that the newest page and the gateway''s count agreed with the archive.'),
    ('v_coverage', 6, 'proven_at', 'How old the oldest page is that the proof rests on; null while there is a hole.'),
    ('v_coverage', 7, 'horizon', 'Every message created before it and not deleted is proven to be archived.'),
    ('v_coverage', 8, 'tail_proof', 'How its beginning was proven: count, empty_page, or short_page, the weaker one.'),
    ('v_coverage', 9, 'piece_count', 'Stretches of time that are proven.'),
    ('v_coverage', 10, 'hole_count', 'Holes between them, those passed over included.'),
    ('v_coverage', 11, 'passed_over_count', 'Times that more messages share than fit a page: holes that no run can fill.'),
    ('v_coverage', 12, 'reaches_the_beginning', 'Whether the lowest stretch reaches the conversation''s first message.'),
    ('v_coverage', 13, 'live_count', 'Archived messages that are neither missing nor deleted.'),
    ('v_coverage', 14, 'missing_count', 'Archived messages that one page did not list; a later run confirms or lifts it.'),
    ('v_coverage', 15, 'deleted_count', 'Archived messages that are gone from the gateway.'),
    ('v_coverage', 16, 'unlisted', 'How many more the gateway counts than it lists; null until it is learnt.'),
    ('v_coverage', 17, 'open_failure_count', 'Failures that are neither resolved nor waived.'),
    ('v_coverage', 18, 'waived_failure_count', 'Failures that somebody waived.'),
    ('v_coverage', 19, 'full_since', 'When a second cover was begun that is not whole yet.'),
    ('v_coverage', 20, 'first_listed_run', 'The run that listed it first: v_runs.id.'),
    ('v_coverage', 21, 'last_run', 'The last run that attempted it: v_runs.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_response_times', 0, null, 'Each turn of a contact (what it says until somebody answers) with the answer to it. Deleted messages and senders of unknown kind are left out.'),
    ('v_response_times', 1, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_response_times', 2, 'turn', 'The number of the turn in its conversation, from 1.'),
    ('v_response_times', 3, 'message_id', 'The turn''s first message: v_messages.id.'),
    ('v_response_times', 4, 'message_count', 'How many messages the contact sent in it.'),
    ('v_response_times', 5, 'started_at', 'When its first message was created.'),
    ('v_response_times', 6, 'ended_at', 'When its last message was created.'),
    ('v_response_times', 7, 'answer_message_id', 'The first message of a user after it; null while nobody has answered.'),
    ('v_response_times', 8, 'answered_by', 'Who answered: v_senders.id.'),
    ('v_response_times', 9, 'answered_by_name', 'The imported name of who answered.'),
    ('v_response_times', 10, 'answered_by_bot', 'Whether that is a bot; null where nobody has said so.'),
    ('v_response_times', 11, 'answered_at', 'When the answer was created.'),
    ('v_response_times', 12, 'answer_ms', 'Milliseconds from the turn''s first message to the answer.'),
    ('v_response_times', 13, 'answer_after_last_ms', 'Milliseconds from the turn''s last message to the answer.'),
    ('v_response_times', 14, 'local_day', 'The day the turn began, in the archive''s zone: v_archive.time_zone.'),
    ('v_response_times', 15, 'local_hour', 'The hour it began, 0 to 23, in that zone.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_response_times_by_day', 0, null, 'The turns of v_response_times by the local day they began, with medians.'),
    ('v_response_times_by_day', 1, 'local_day', 'The day in the archive''s zone: v_archive.time_zone.'),
    ('v_response_times_by_day', 2, 'turns', 'Turns of contacts that began on that day.'),
    ('v_response_times_by_day', 3, 'answered', 'Of these, answered, whenever that was.'),
    ('v_response_times_by_day', 4, 'median_answer_ms', 'The median of v_response_times.answer_ms over these, rounded down.'),
    ('v_response_times_by_day', 5, 'slowest_answer_ms', 'The longest of them.'),
    ('v_response_times_by_day', 6, 'first_turns', 'Conversations whose first turn began on that day.'),
    ('v_response_times_by_day', 7, 'first_answered', 'Of these, answered.'),
    ('v_response_times_by_day', 8, 'median_first_answer_ms', 'The median time to the first answer over these, rounded down.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_daily_volume', 0, null, 'How much was sent on each day; deleted messages and those without a time are left out.'),
    ('v_daily_volume', 1, 'local_day', 'The day in the archive''s zone: v_archive.time_zone.'),
    ('v_daily_volume', 2, 'message_count', 'Messages of that day.'),
    ('v_daily_volume', 3, 'inbound_count', 'Of these, from contacts.'),
    ('v_daily_volume', 4, 'outbound_count', 'Of these, from users.'),
    ('v_daily_volume', 5, 'unknown_count', 'Of these, from senders of unknown kind.'),
    ('v_daily_volume', 6, 'media_count', 'Of these, with a file.'),
    ('v_daily_volume', 7, 'conversation_count', 'Conversations that had a message.'),
    ('v_daily_volume', 8, 'contact_count', 'Contacts that sent one.'),
    ('v_daily_volume', 9, 'user_count', 'Users that sent one.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_quick_reply_funnel', 0, null, 'Each offer of options that is not deleted, and which option was chosen. A choice belongs to the last offer before it in its conversation that had its payload (its title where there is none); of several the first counts.'),
    ('v_quick_reply_funnel', 1, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_quick_reply_funnel', 2, 'message_id', 'The message that offers: v_messages.id.'),
    ('v_quick_reply_funnel', 3, 'offered_at', 'When it was created.'),
    ('v_quick_reply_funnel', 4, 'offered_by', 'Who offered: v_senders.id.'),
    ('v_quick_reply_funnel', 5, 'title', 'The title of the offer.'),
    ('v_quick_reply_funnel', 6, 'text', 'The words of the offer.'),
    ('v_quick_reply_funnel', 7, 'option_count', 'How many options it offers.'),
    ('v_quick_reply_funnel', 8, 'is_chosen', 'Whether the contact chose one of them.'),
    ('v_quick_reply_funnel', 9, 'choice_message_id', 'The message that chose: v_messages.id; null where none did.'),
    ('v_quick_reply_funnel', 10, 'chosen_at', 'When that was created.'),
    ('v_quick_reply_funnel', 11, 'choice_ms', 'Milliseconds from the offer to the choice.'),
    ('v_quick_reply_funnel', 12, 'chosen_position', 'The place of the chosen option, from 0.'),
    ('v_quick_reply_funnel', 13, 'chosen_option_id', 'The id of the chosen option.'),
    ('v_quick_reply_funnel', 14, 'chosen_title', 'The caption of the chosen option.'),
    ('v_quick_reply_funnel', 15, 'chosen_payload', 'The payload of the chosen option.'),
    ('v_quick_reply_funnel', 16, 'answered_position', 'The place of the option that the gateway itself calls answered; null where it says nothing.'),
    ('v_quick_reply_funnel', 17, 'local_day', 'Its day in the archive''s zone: v_archive.time_zone.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_message_history', 0, null, 'Every state of every message that was ever observed, with the JSON as received.'),
    ('v_message_history', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_message_history', 2, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_message_history', 3, 'version', 'The number of the version, from 1.'),
    ('v_message_history', 4, 'event', 'What happened: created (first seen), edited, restored (an older state that counts again), deleted or reappeared.'),
    ('v_message_history', 5, 'observed_at', 'When the page was requested that showed it, on the gateway''s clock.'),
    ('v_message_history', 6, 'recorded_at', 'When it was committed, by the clock of the run''s machine.'),
    ('v_message_history', 7, 'run_id', 'The run that recorded it: v_runs.id.'),
    ('v_message_history', 8, 'raw', 'The message''s JSON exactly as received; null where the event brought none.'),
    ('v_message_history', 9, 'sha256', 'The SHA-256 of raw in lower-case hexadecimal.'),
    ('v_message_history', 10, 'changed', 'What differs from the version before, as places in the JSON: v_message_changes.path; null where nothing does, or it is not looked at yet.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_message_changes', 0, null, 'What each later version of a message changed, one row a place in its JSON.'),
    ('v_message_changes', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_message_changes', 2, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_message_changes', 3, 'version', 'The version that brought it: v_message_history.version.'),
    ('v_message_changes', 4, 'path', 'Where in the JSON, such as content.text; empty for the whole message.'),
    ('v_message_changes', 5, 'before', 'What stood there in the version before; null where there was nothing.'),
    ('v_message_changes', 6, 'after', 'What stands there since; null where there is nothing any more.'),
    ('v_message_changes', 7, 'position', 'The order of the changes of one version, from 0.'),
    ('v_message_changes', 8, 'event', 'What happened: edited, restored or reappeared.'),
    ('v_message_changes', 9, 'observed_at', 'When the page was requested that showed it, on the gateway''s clock.'),
    ('v_message_changes', 10, 'run_id', 'The run that recorded it: v_runs.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_deleted', 0, null, 'Each message that is gone from the gateway, as it last was, with the evidence: two pages of two runs that should have held it.'),
    ('v_deleted', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_deleted', 2, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_deleted', 3, 'sender_id', 'Who sent it, as received: v_senders.id.'),
    ('v_deleted', 4, 'direction', 'inbound (from a contact), outbound (from a user) or unknown.'),
    ('v_deleted', 5, 'type', 'The declared type exactly as received.'),
    ('v_deleted', 6, 'title', 'The title, where there was one.'),
    ('v_deleted', 7, 'text', 'The words of the message.'),
    ('v_deleted', 8, 'created_at', 'When it was created, by the gateway''s clock.'),
    ('v_deleted', 9, 'deleted_at', 'The first time it was not listed any more.'),
    ('v_deleted', 10, 'first_missed_run', 'The run whose page lacked it first: v_runs.id.'),
    ('v_deleted', 11, 'first_missed_at', 'When that page was requested, on the gateway''s clock.'),
    ('v_deleted', 12, 'confirmed_run', 'The later run whose page lacked it too: v_runs.id.'),
    ('v_deleted', 13, 'confirmed_at', 'When that page was requested.'),
    ('v_deleted', 14, 'recorded_at', 'When the deletion was committed to the archive.'),
    ('v_deleted', 15, 'last_version', 'The last version with its JSON: v_message_history.version.'),
    ('v_deleted', 16, 'sender_name', 'The sender''s imported name.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_quick_reply_options', 0, null, 'The options that messages of type response offer, one row an option.'),
    ('v_quick_reply_options', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_quick_reply_options', 2, 'position', 'The place in the list, from 0.'),
    ('v_quick_reply_options', 3, 'option_id', 'The option''s id; a number or a string as received.'),
    ('v_quick_reply_options', 4, 'content_type', 'The kind of option.'),
    ('v_quick_reply_options', 5, 'title', 'The caption.'),
    ('v_quick_reply_options', 6, 'payload', 'What it sends when it is pressed: joins v_quick_replies.payload in the same conversation.'),
    ('v_quick_reply_options', 7, 'description', 'A longer description, where there is one.'),
    ('v_quick_reply_options', 8, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_quick_reply_options', 9, 'answered', 'Whether this option was answered with; null where nothing is answered.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_quick_replies', 0, null, 'The option that a contact chose, one row a message of type quick_reply.'),
    ('v_quick_replies', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_quick_replies', 2, 'title', 'The caption of the button.'),
    ('v_quick_replies', 3, 'payload', 'What the button sends; repeats the option''s payload.'),
    ('v_quick_replies', 4, 'description', 'A longer description, where there was one.'),
    ('v_quick_replies', 5, 'conversation_id', 'The conversation: v_conversations.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_attachments', 0, null, 'The files that messages carry, at most one a message.'),
    ('v_attachments', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_attachments', 2, 'url', 'Where the file is, as received; the file itself is not archived.'),
    ('v_attachments', 3, 'host', 'The host of the URL; null where it cannot be parsed.'),
    ('v_attachments', 4, 'declared_type', 'The message''s type as received; not reliable.'),
    ('v_attachments', 5, 'media_kind', 'What it seems to be: image, video, audio, sticker, pdf, csv or file.'),
    ('v_attachments', 6, 'caption', 'The caption, where it is not empty.'),
    ('v_attachments', 7, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_attachments', 8, 'sender_id', 'Who sent it, as received: v_senders.id.'),
    ('v_attachments', 9, 'direction', 'inbound (from a contact), outbound (from a user) or unknown.'),
    ('v_attachments', 10, 'created_at', 'When the message was created.'),
    ('v_attachments', 11, 'deleted_at', 'When the message was gone from the gateway; null while it lives.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_locations', 0, null, 'The places that messages share.'),
    ('v_locations', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_locations', 2, 'latitude', 'Degrees north.'),
    ('v_locations', 3, 'longitude', 'Degrees east.'),
    ('v_locations', 4, 'name', 'The name of the place.'),
    ('v_locations', 5, 'address', 'The address of the place.'),
    ('v_locations', 6, 'conversation_id', 'The conversation: v_conversations.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_shared_contacts', 0, null, 'The contact cards that messages share, one row a card.'),
    ('v_shared_contacts', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_shared_contacts', 2, 'position', 'The place in the list, from 0.'),
    ('v_shared_contacts', 3, 'name', 'The person''s name.'),
    ('v_shared_contacts', 4, 'phone_number', 'The first phone number.'),
    ('v_shared_contacts', 5, 'email', 'The first e-mail address.'),
    ('v_shared_contacts', 6, 'conversation_id', 'The conversation: v_conversations.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_template_variables', 0, null, 'What was filled into the placeholders of templates.'),
    ('v_template_variables', 1, 'message_id', 'The message: v_messages.id.'),
    ('v_template_variables', 2, 'position', 'The number in the placeholder, from 1.'),
    ('v_template_variables', 3, 'value', 'What was filled in.'),
    ('v_template_variables', 4, 'conversation_id', 'The conversation: v_conversations.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_anomalies', 0, null, 'What was odd about messages: stored whole all the same, and worth a look.'),
    ('v_anomalies', 1, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_anomalies', 2, 'message_id', 'The message: v_messages.id.'),
    ('v_anomalies', 3, 'version', 'The version that was odd: v_message_history.version.'),
    ('v_anomalies', 4, 'kind', 'What kind of oddity, such as unknown_type.'),
    ('v_anomalies', 5, 'path', 'Where in the JSON; empty for the message itself.'),
    ('v_anomalies', 6, 'detail', 'What was found, without any text of the message.'),
    ('v_anomalies', 7, 'position', 'The order of the oddities of one version, from 0.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_senders', 0, null, 'Everybody who sent an archived message; the gateway gives no names, so they are imported.'),
    ('v_senders', 1, 'id', 'The sender''s id as received.'),
    ('v_senders', 2, 'kind', 'contact (con_…: a customer), user (u_…: a person or a bot) or unknown.'),
    ('v_senders', 3, 'first_seen_run', 'The run that saw it first: v_runs.id.'),
    ('v_senders', 4, 'name', 'What people call the sender, as imported by convault senders import; null until then.'),
    ('v_senders', 5, 'is_bot', 'Whether it is a bot; null where nobody has said so.'),
    ('v_senders', 6, 'team', 'The team, as imported.'),
    ('v_senders', 7, 'imported_at', 'When the name was last changed by an import.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_conversation_links', 0, null, 'What the gateway said about phone numbers, unmatched ones too.'),
    ('v_conversation_links', 1, 'phone_number', 'The number as it was asked for.'),
    ('v_conversation_links', 2, 'conversation_id', 'A conversation of that number; null where it has none.'),
    ('v_conversation_links', 3, 'link', 'The link as received.'),
    ('v_conversation_links', 4, 'created_at', 'When the link was made, by the gateway''s clock.'),
    ('v_conversation_links', 5, 'first_seen_run', 'The run that saw it first: v_runs.id.'),
    ('v_conversation_links', 6, 'last_seen_run', 'The run that saw it last: v_runs.id.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_runs', 0, null, 'Every run of the program on this archive: the same facts as its report.'),
    ('v_runs', 1, 'id', 'The number of the run in this archive, from 1.'),
    ('v_runs', 2, 'command', 'The command, such as sync.'),
    ('v_runs', 3, 'program_version', 'The version of convault that ran.'),
    ('v_runs', 4, 'holder', 'Who ran it: process and host.'),
    ('v_runs', 5, 'started_at', 'When it started, by the clock of its machine.'),
    ('v_runs', 6, 'finished_at', 'When it finished; null while it runs, and for ever if it was killed.'),
    ('v_runs', 7, 'outcome', 'How it ended: complete, incomplete, or the reason it stopped early.'),
    ('v_runs', 8, 'exit_code', 'The exit code of the process.'),
    ('v_runs', 9, 'conversations_listed', 'Conversations in its list, duplicates folded.'),
    ('v_runs', 10, 'conversations_complete', 'Of these, proven complete.'),
    ('v_runs', 11, 'conversations_partial', 'Of these, read in part.'),
    ('v_runs', 12, 'conversations_gone', 'Of these, gone by the gateway''s word, and not waived.'),
    ('v_runs', 13, 'conversations_forbidden', 'Of these, forbidden by the gateway, and not waived.'),
    ('v_runs', 14, 'conversations_failed', 'Of these, not read for another reason, and not waived.'),
    ('v_runs', 15, 'conversations_waived', 'Of these, not complete, and waived by somebody.'),
    ('v_runs', 16, 'conversations_empty', 'Of the complete ones, those without a message at first sight: check the id.'),
    ('v_runs', 17, 'conversations_not_reached', 'Of these, not attempted or not finished before the run stopped.'),
    ('v_runs', 18, 'messages_new', 'Messages seen for the first time.'),
    ('v_runs', 19, 'messages_changed', 'Known messages with different content.'),
    ('v_runs', 20, 'messages_deleted', 'Messages newly marked as deleted.'),
    ('v_runs', 21, 'messages_unchanged', 'Known and equal messages, counted once for each page they were on.'),
    ('v_runs', 22, 'messages_unrecognised', 'New or changed messages of a type or shape that is not known.'),
    ('v_runs', 23, 'requests_total', 'Requests sent, retries included.'),
    ('v_runs', 24, 'requests_retried', 'Requests that repeated an earlier one.'),
    ('v_runs', 25, 'requests_throttled', 'Requests that were answered 429.'),
    ('v_runs', 26, 'requests_planned', 'Requests planned before the first one; null where nothing could be planned.'),
    ('v_runs', 27, 'requests_swept', 'Requests spent on looking again at what was proven before.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_run_conversations', 0, null, 'What a run did to a conversation that changed or is not complete; v_runs counts the rest.'),
    ('v_run_conversations', 1, 'run_id', 'The run: v_runs.id.'),
    ('v_run_conversations', 2, 'conversation_id', 'The conversation: v_conversations.id.'),
    ('v_run_conversations', 3, 'state', 'The outcome, as v_conversations.state.'),
    ('v_run_conversations', 4, 'reason', 'Why; null where it is complete.'),
    ('v_run_conversations', 5, 'messages_new', 'Messages of it seen for the first time.'),
    ('v_run_conversations', 6, 'messages_changed', 'Known messages of it with different content.'),
    ('v_run_conversations', 7, 'messages_deleted', 'Messages of it newly marked as deleted.'),
    ('v_run_conversations', 8, 'requests', 'Requests spent on it, retries not counted.'),
    ('v_run_conversations', 9, 'finished_at', 'When it was done, by the clock of the run''s machine.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_failures', 0, null, 'Why conversations were not complete, one row each time it happened.'),
    ('v_failures', 1, 'conversation_id', 'The conversation: v_conversations.id; null where it is the run''s own failure.'),
    ('v_failures', 2, 'run_id', 'The run that met it: v_runs.id.'),
    ('v_failures', 3, 'class', 'What class of trouble, such as gone or timeout.'),
    ('v_failures', 4, 'reason', 'What happened, in words.'),
    ('v_failures', 5, 'occurred_at', 'When, by the clock of the run''s machine.'),
    ('v_failures', 6, 'resolved_run', 'The run that completed the conversation later; null while it is not.'),
    ('v_failures', 7, 'waived_at', 'When somebody waived it; null if nobody did.'),
    ('v_failures', 8, 'waived_reason', 'Why it was waived.'),
    ('v_failures', 9, 'key', 'The number of the failure in this archive.'),
    ('v_failures', 10, 'is_open', 'Whether it is neither resolved nor waived.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_archive', 0, null, 'One row: what this archive is.'),
    ('v_archive', 1, 'gateway_url', 'The gateway whose conversations these are; null until the first run.'),
    ('v_archive', 2, 'time_zone', 'The zone of local days and hours, a name of the IANA database.'),
    ('v_archive', 3, 'created_at', 'When the archive was made.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('v_data_dictionary', 0, null, 'What each table, view and column of this archive means.'),
    ('v_data_dictionary', 1, 'object', 'The table or view.'),
    ('v_data_dictionary', 2, 'column_name', 'The column; null for the object itself.'),
    ('v_data_dictionary', 3, 'meaning', 'What it means.'),
    ('v_data_dictionary', 4, 'position', 'The place of the column, from 1; 0 for the object itself.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('archive', 0, null, 'One row: which gateway this archive belongs to, and who may write it.'),
    ('archive', 1, 'only_row', 'Always 1: there is one row.'),
    ('archive', 2, 'gateway_url', 'The gateway whose conversations these are; null until the first run.'),
    ('archive', 3, 'epoch', 'Raised by each holder of the lock; a writer with an older one is refused.'),
    ('archive', 4, 'batch_seq', 'Raised by each committed batch, so that a commit whose answer was lost can be told.'),
    ('archive', 5, 'created_at', 'When the archive was made.'),
    ('archive', 6, 'renormalized_to', 'The last messages.key that an interrupted renormalize rebuilt; null when none is under way.'),
    ('archive', 7, 'time_zone', 'The zone of local days, a name of the IANA database; null is UTC.'),
    ('archive', 8, 'indexed_to', 'Messages up to this messages.key are in search_index; a search reads the others itself.'),
    ('archive', 9, 'terms_version', 'By which rules their words were cut into terms; by others, the index is made anew.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('runs', 0, null, 'One row a run of the program on this archive.'),
    ('runs', 1, 'id', 'The number of the run in this archive, from 1.'),
    ('runs', 2, 'command', 'The command, such as sync.'),
    ('runs', 3, 'program_version', 'The version of convault that ran.'),
    ('runs', 4, 'holder', 'Who ran it: process and host.'),
    ('runs', 5, 'started_at', 'When it started, by the clock of its machine.'),
    ('runs', 6, 'finished_at', 'When it finished; null while it runs, and for ever if it was killed.'),
    ('runs', 7, 'outcome', 'How it ended: complete, incomplete, or the reason it stopped early.'),
    ('runs', 8, 'exit_code', 'The exit code of the process.'),
    ('runs', 9, 'conversations_listed', 'Conversations in its list, duplicates folded.'),
    ('runs', 10, 'conversations_complete', 'Of these, proven complete.'),
    ('runs', 11, 'conversations_partial', 'Of these, read in part.'),
    ('runs', 12, 'conversations_gone', 'Of these, gone by the gateway''s word, and not waived.'),
    ('runs', 13, 'conversations_forbidden', 'Of these, forbidden by the gateway, and not waived.'),
    ('runs', 14, 'conversations_failed', 'Of these, not read for another reason, and not waived.'),
    ('runs', 15, 'conversations_waived', 'Of these, not complete, and waived by somebody.'),
    ('runs', 16, 'conversations_empty', 'Of the complete ones, those without a message at first sight: check the id.'),
    ('runs', 17, 'conversations_not_reached', 'Of these, not attempted or not finished before the run stopped.'),
    ('runs', 18, 'messages_new', 'Messages seen for the first time.'),
    ('runs', 19, 'messages_changed', 'Known messages with different content.'),
    ('runs', 20, 'messages_deleted', 'Messages newly marked as deleted.'),
    ('runs', 21, 'messages_unchanged', 'Known and equal messages, counted once for each page they were on.'),
    ('runs', 22, 'messages_unrecognised', 'New or changed messages of a type or shape that is not known.'),
    ('runs', 23, 'requests_total', 'Requests sent, retries included.'),
    ('runs', 24, 'requests_retried', 'Requests that repeated an earlier one.'),
    ('runs', 25, 'requests_throttled', 'Requests that were answered 429.'),
    ('runs', 26, 'requests_planned', 'Requests planned before the first one; null where nothing could be planned.'),
    ('runs', 27, 'requests_swept', 'Requests spent on looking again at what was proven before.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('conversations', 0, null, 'One row a conversation that was ever listed.'),
    ('conversations', 1, 'key', 'The row''s number in this archive.'),
    ('conversations', 2, 'id', 'The conversation''s id as it was listed.'),
    ('conversations', 3, 'organization_id', 'The organisation, as its messages say.'),
    ('conversations', 4, 'business_unit_id', 'The business unit, as its messages say.'),
    ('conversations', 5, 'state', 'The outcome of the last run that attempted it: pending, complete, partial, gone, forbidden or failed.'),
    ('conversations', 6, 'reason', 'Why it is in that state; null where it is complete.'),
    ('conversations', 7, 'state_since', 'Since when it is in that state.'),
    ('conversations', 8, 'first_listed_run', 'The run that listed it first.'),
    ('conversations', 9, 'last_run', 'The last run that attempted it.'),
    ('conversations', 10, 'live_count', 'Archived messages that are neither missing nor deleted.'),
    ('conversations', 11, 'unlisted', 'How many more the gateway counts than it lists; null until it is learnt.'),
    ('conversations', 12, 'tail_proof', 'How its beginning was proven: count, empty_page or short_page (the weaker one).'),
    ('conversations', 13, 'full_since', 'When a second cover was begun that is not whole yet.'),
    ('conversations', 14, 'unlisted_moves', 'Runs in a row in which the number of unlisted messages came out different.'),
    ('conversations', 15, 'count_steady_runs', 'Null while the gateway''s count is trusted; else runs in a row with one difference since it was not.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('conversation_proofs', 0, null, 'What is proven of a conversation; apart, because it is rewritten at every run.'),
    ('conversation_proofs', 1, 'conversation_key', 'The conversation: conversations.key.'),
    ('conversation_proofs', 2, 'checked_at', 'The last time that head and count agreed with the archive.'),
    ('conversation_proofs', 3, 'proven_at', 'How old the oldest page is that the proof rests on; null while there is a hole.'),
    ('conversation_proofs', 4, 'horizon', 'Everything created before it is proven to be archived.'),
    ('conversation_proofs', 5, 'swept_below', 'Where the sweep goes on, below this time; null: at the newest message.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('coverage_pieces', 0, null, 'The ledger: open intervals of created_at that are proven; the gaps are the holes.'),
    ('coverage_pieces', 1, 'conversation_key', 'The conversation: conversations.key.'),
    ('coverage_pieces', 2, 'layer', '0: the cover in force; 1: the one that --full is building; 2: times passed over, which more messages share than fit a page.'),
    ('coverage_pieces', 3, 'position', 'The order of the pieces, oldest first, from 0.'),
    ('coverage_pieces', 4, 'after_time', 'The open lower end; null is the beginning.'),
    ('coverage_pieces', 5, 'before_time', 'The open upper end; null is the newest message.'),
    ('coverage_pieces', 6, 'sent_at', 'When the oldest page was requested that the piece rests on.'),
    ('coverage_pieces', 7, 'settled', 'Whether the piece is cut back to what is final: the next run does that to it.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('messages', 0, null, 'The current state of each message, one row a message of a conversation.'),
    ('messages', 1, 'key', 'The row''s number in this archive.'),
    ('messages', 2, 'conversation_key', 'The conversation: conversations.key.'),
    ('messages', 3, 'id', 'The message''s id, or sha256: and a hash where the gateway gave none.'),
    ('messages', 4, 'organization_id', 'The organisation that the message names.'),
    ('messages', 5, 'business_unit_id', 'The business unit that the message names.'),
    ('messages', 6, 'sender_id', 'Who sent it, as received: senders.id.'),
    ('messages', 7, 'type', 'The declared type exactly as received.'),
    ('messages', 8, 'media_kind', 'What its file seems to be: image, video, audio, sticker, pdf, csv or file.'),
    ('messages', 9, 'title', 'The title, where there is one.'),
    ('messages', 10, 'text', 'The words of the message, wherever in the JSON they were.'),
    ('messages', 11, 'is_mail', 'Whether it is an e-mail; null where it does not say.'),
    ('messages', 12, 'stream_id', 'What the chunks of one streamed answer have in common.'),
    ('messages', 13, 'stream_sequence', 'The place of a chunk in a streamed answer.'),
    ('messages', 14, 'created_at', 'When it was created, by the gateway''s clock.'),
    ('messages', 15, 'updated_at', 'When it was last changed, by the gateway''s clock.'),
    ('messages', 16, 'version', 'The number of the current version in message_versions.'),
    ('messages', 17, 'digest', 'The first 16 bytes of the SHA-256 of the current raw JSON.'),
    ('messages', 18, 'observed_at', 'When the page was requested that the current state is from.'),
    ('messages', 19, 'first_seen_run', 'The run that saw it first.'),
    ('messages', 20, 'missing_since', 'When a page first showed that it is not listed any more; null while it is.'),
    ('messages', 21, 'missing_run', 'The run that missed it first.'),
    ('messages', 22, 'deleted_at', 'The first absence, set once a second one confirmed it; null while it lives.'),
    ('messages', 23, 'observed_run', 'The run of observed_at; null where an older program wrote the row.'),
    ('messages', 24, 'older_digest', 'The first 16 bytes of the SHA-256 of a state with an older updated_at that the gateway showed later; null while there is none.'),
    ('messages', 25, 'older_since', 'When the first page was requested that showed that older state.'),
    ('messages', 26, 'older_run', 'The run of older_since.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('message_versions', 0, null, 'Every state of a message that was ever observed; only ever appended to.'),
    ('message_versions', 1, 'message_key', 'The message: messages.key.'),
    ('message_versions', 2, 'version', 'The number of the version, from 1.'),
    ('message_versions', 3, 'event', 'What happened: created (first seen), edited, restored (an older state that counts again), deleted or reappeared.'),
    ('message_versions', 4, 'observed_at', 'When the page was requested that showed it.'),
    ('message_versions', 5, 'recorded_at', 'When it was committed to the archive.'),
    ('message_versions', 6, 'run_id', 'The run that recorded it.'),
    ('message_versions', 7, 'raw', 'The message''s JSON exactly as received; null where the event brought none.'),
    ('message_versions', 8, 'sha256', 'The SHA-256 of raw, as bytes.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('quick_replies', 0, null, 'What a contact chose, for messages of type quick_reply.'),
    ('quick_replies', 1, 'message_key', 'The message: messages.key.'),
    ('quick_replies', 2, 'title', 'The caption of the button.'),
    ('quick_replies', 3, 'payload', 'What the button sends; repeats the option''s payload.'),
    ('quick_replies', 4, 'description', 'A longer description, where there was one.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('quick_reply_options', 0, null, 'The options that a message of type response offers, in order.'),
    ('quick_reply_options', 1, 'message_key', 'The message: messages.key.'),
    ('quick_reply_options', 2, 'position', 'The place in the list, from 0.'),
    ('quick_reply_options', 3, 'option_id', 'The option''s id; a number or a string as received.'),
    ('quick_reply_options', 4, 'content_type', 'The kind of option.'),
    ('quick_reply_options', 5, 'title', 'The caption.'),
    ('quick_reply_options', 6, 'payload', 'What it sends when it is pressed.'),
    ('quick_reply_options', 7, 'description', 'A longer description, where there is one.'),
    ('quick_reply_options', 8, 'answered', 'Whether this option was answered with; null where nothing is answered.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('attachments', 0, null, 'The file that a message carries, at most one.'),
    ('attachments', 1, 'message_key', 'The message: messages.key.'),
    ('attachments', 2, 'url', 'Where the file is, as received; the file itself is not archived.'),
    ('attachments', 3, 'host', 'The host of the URL; null where it cannot be parsed.'),
    ('attachments', 4, 'declared_type', 'The message''s type as received; not reliable.'),
    ('attachments', 5, 'media_kind', 'What it seems to be: image, video, audio, sticker, pdf, csv or file.'),
    ('attachments', 6, 'caption', 'The caption, where it is not empty.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('locations', 0, null, 'The place that a message shares.'),
    ('locations', 1, 'message_key', 'The message: messages.key.'),
    ('locations', 2, 'latitude', 'Degrees north.'),
    ('locations', 3, 'longitude', 'Degrees east.'),
    ('locations', 4, 'name', 'The name of the place.'),
    ('locations', 5, 'address', 'The address of the place.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('shared_contacts', 0, null, 'The contact cards that a message shares, in order.'),
    ('shared_contacts', 1, 'message_key', 'The message: messages.key.'),
    ('shared_contacts', 2, 'position', 'The place in the list, from 0.'),
    ('shared_contacts', 3, 'name', 'The person''s name.'),
    ('shared_contacts', 4, 'phone_number', 'The first phone number.'),
    ('shared_contacts', 5, 'email', 'The first e-mail address.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('template_variables', 0, null, 'What was filled into the placeholders of a template.'),
    ('template_variables', 1, 'message_key', 'The message: messages.key.'),
    ('template_variables', 2, 'position', 'The number in the placeholder, from 1.'),
    ('template_variables', 3, 'value', 'What was filled in.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('senders', 0, null, 'Everybody who sent an archived message.'),
    ('senders', 1, 'id', 'The sender''s id as received.'),
    ('senders', 2, 'kind', 'contact (con_…), user (u_…: a person or a bot) or unknown.'),
    ('senders', 3, 'first_seen_run', 'The run that saw it first.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('conversation_links', 0, null, 'What the gateway said about phone numbers, unmatched ones too.'),
    ('conversation_links', 1, 'key', 'The row''s number in this archive.'),
    ('conversation_links', 2, 'phone_number', 'The number as it was asked for.'),
    ('conversation_links', 3, 'conversation_id', 'A conversation of that number; null where it has none.'),
    ('conversation_links', 4, 'link', 'The link as received.'),
    ('conversation_links', 5, 'created_at', 'When the link was made, by the gateway''s clock.'),
    ('conversation_links', 6, 'first_seen_run', 'The run that saw it first.'),
    ('conversation_links', 7, 'last_seen_run', 'The run that saw it last.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('absences', 0, null, 'The evidence that a message is gone: the pages of its place that did not hold it.'),
    ('absences', 1, 'message_key', 'The message: messages.key.'),
    ('absences', 2, 'strike', '1 for the first absence, 2 for the one that confirmed it in a later run.'),
    ('absences', 3, 'run_id', 'The run whose page it was.'),
    ('absences', 4, 'sent_at', 'When the page was requested, on the gateway''s clock.'),
    ('absences', 5, 'after_time', 'The open lower end of what the page speaks for; null is the oldest message.'),
    ('absences', 6, 'before_time', 'The open upper end; null is the newest message.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('anomalies', 0, null, 'What was odd about a version of a message, one row an oddity.'),
    ('anomalies', 1, 'message_key', 'The message: messages.key.'),
    ('anomalies', 2, 'version', 'The version that was odd.'),
    ('anomalies', 3, 'position', 'The order of the oddities of one version, from 0.'),
    ('anomalies', 4, 'kind', 'What kind of oddity, such as unknown_type.'),
    ('anomalies', 5, 'path', 'Where in the JSON; empty for the message itself.'),
    ('anomalies', 6, 'detail', 'What was found, without any text of the message.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('failures', 0, null, 'Why a conversation was not complete, one row each time it happened.'),
    ('failures', 1, 'key', 'The row''s number in this archive.'),
    ('failures', 2, 'run_id', 'The run that met it.'),
    ('failures', 3, 'conversation_key', 'The conversation: conversations.key; null where it is the run''s own.'),
    ('failures', 4, 'class', 'What class of trouble, such as gone or timeout.'),
    ('failures', 5, 'reason', 'What happened, in words.'),
    ('failures', 6, 'occurred_at', 'When, by the clock of the run''s machine.'),
    ('failures', 7, 'resolved_run', 'The run that completed the conversation; null while open.'),
    ('failures', 8, 'waived_at', 'When somebody waived it.'),
    ('failures', 9, 'waived_reason', 'Why it was waived.'),
    ('failures', 10, 'unlisted', 'Messages counted and not listed then, for a count_deficit; a waiver is good for so many.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('run_conversations', 0, null, 'What a run did to a conversation that changed or is not complete.'),
    ('run_conversations', 1, 'run_id', 'The run.'),
    ('run_conversations', 2, 'conversation_key', 'The conversation: conversations.key.'),
    ('run_conversations', 3, 'state', 'The outcome, as conversations.state.'),
    ('run_conversations', 4, 'reason', 'Why; null where it is complete.'),
    ('run_conversations', 5, 'messages_new', 'Messages of it seen for the first time.'),
    ('run_conversations', 6, 'messages_changed', 'Known messages of it with different content.'),
    ('run_conversations', 7, 'messages_deleted', 'Messages of it newly marked as deleted.'),
    ('run_conversations', 8, 'requests', 'Requests spent on it, retries not counted.'),
    ('run_conversations', 9, 'finished_at', 'When it was done, by the clock of the run''s machine.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('data_dictionary', 0, null, 'This description, inside the archive.'),
    ('data_dictionary', 1, 'object', 'The table or view.'),
    ('data_dictionary', 2, 'position', 'The place of the column, from 1; 0 for the object itself.'),
    ('data_dictionary', 3, 'column_name', 'The column; null for the object itself.'),
    ('data_dictionary', 4, 'meaning', 'What it means.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('time_zone_offsets', 0, null, 'The archive''s zone, 1970 to 2099: how far local time is ahead of UTC, and since when. Kept by the program.'),
    ('time_zone_offsets', 1, 'since', 'From when on, until the next row; the first row begins before every time.'),
    ('time_zone_offsets', 2, 'offset_seconds', 'Seconds that local time is ahead of UTC; less than 0 in the west.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('sender_names', 0, null, 'What people call the senders; also of senders that no message came from yet.'),
    ('sender_names', 1, 'id', 'The sender''s id as received: senders.id, once a message came.'),
    ('sender_names', 2, 'name', 'What people call the sender, as imported by convault senders import; null until then.'),
    ('sender_names', 3, 'is_bot', 'Whether it is a bot; null where nobody has said so.'),
    ('sender_names', 4, 'team', 'The team, as imported.'),
    ('sender_names', 5, 'imported_at', 'When the name was last changed by an import.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('message_changes', 0, null, 'What differs between the JSON of a version and of the last one before it that had any.'),
    ('message_changes', 1, 'message_key', 'The message: messages.key.'),
    ('message_changes', 2, 'version', 'The later version: message_versions.version.'),
    ('message_changes', 3, 'position', 'The order of the changes of one version, from 0.'),
    ('message_changes', 4, 'path', 'Where in the JSON, such as content.text; empty for the whole message.'),
    ('message_changes', 5, 'before', 'What stood there in the version before; null where there was nothing.'),
    ('message_changes', 6, 'after', 'What stands there since; null where there is nothing any more.');

insert into data_dictionary (object, position, column_name, meaning) values
    ('search_long_messages', 0, null, 'A message too long for search_index; a search reads it itself.'),
    ('search_long_messages', 1, 'message_key', 'The message: messages.key.');
