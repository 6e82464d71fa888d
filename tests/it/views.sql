-- A small archive by hand, valid on both engines; blob'00ff' is a literal of bytes.
-- One conversation of each state, one message of each shape, ids that collide across
-- conversations, senders whose ids only look like a prefix.

insert into archive (only_row, gateway_url, created_at, time_zone) values
    (1, 'https://gateway.example.com', '2025-03-01T00:00:00.000Z', 'UTC');
insert into runs (id, command, program_version, holder, started_at, finished_at, outcome,
    exit_code, conversations_listed, conversations_complete, conversations_partial,
    conversations_gone, conversations_forbidden, conversations_failed, conversations_waived,
    conversations_empty, conversations_not_reached, messages_new, messages_changed,
    messages_deleted, messages_unchanged, messages_unrecognised, requests_total,
    requests_retried, requests_throttled) values
    (1, 'sync', '0.1.0', 'pid 7 on alpha', '2025-03-01T00:00:00.000Z', '2025-03-01T00:01:00.500Z',
     'incomplete', 3, 6, 1, 1, 1, 1, 1, 0, 1, 0, 11, 0, 0, 2, 1, 12, 3, 1),
    (2, 'sync', '0.1.0', 'pid 8 on alpha', '2025-03-02T00:00:00.000Z', null,
     null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

insert into conversations (key, id, organization_id, business_unit_id, state, reason, state_since,
    first_listed_run, last_run, live_count, unlisted, tail_proof, full_since) values
    (1, 'conv_testing_conversation1', 'org_example', 'bu_example', 'complete', null, '2025-03-01T00:00:10.000Z',
     1, 2, 9, 0, 'count', null),
    (2, 'conv_part', 'org_example', 'bu_example', 'partial', 'stopped at a group of equal times',
     '2025-03-01T00:00:20.000Z', 1, 1, 1, null, null, null),
    (3, 'conv_gone', null, null, 'gone', 'Conversation not found', '2025-03-01T00:00:30.000Z',
     1, 1, 0, null, null, null),
    (4, 'conv_refused', null, null, 'forbidden', 'Forbidden', '2025-03-01T00:00:40.000Z',
     1, 1, 0, null, null, null),
    (5, 'conv_failed', null, null, 'failed', 'no answer in 35 s', '2025-03-01T00:00:50.000Z',
     1, 1, 0, null, null, null),
    (6, 'conv_empty', null, null, 'complete', null, '2025-03-01T00:00:55.000Z',
     1, 1, 0, 0, 'empty_page', '2025-03-01T00:00:55.000Z'),
    (7, 'conv_waiting', null, null, 'pending', null, null, 2, null, 0, null, null, null);

insert into conversation_proofs (conversation_key, checked_at, proven_at, horizon) values
    (1, '2025-03-02T00:00:05.000Z', '2025-03-01T00:00:09.123Z', '2025-02-28T23:50:09.123Z'),
    (2, null, null, null),
    (6, '2025-03-01T00:00:55.000Z', '2025-03-01T00:00:54.000Z', '2025-02-28T23:50:54.000Z');

insert into messages (key, conversation_key, id, organization_id, business_unit_id, sender_id,
    type, media_kind, title, text, is_mail, stream_id, stream_sequence, created_at, updated_at,
    version, digest, observed_at, first_seen_run, missing_since, missing_run, deleted_at) values
    (1, 1, 'msg_1', 'org_example', 'bu_example', 'con_ann', 'text', null, null,
     'Is the blue one in stock?', false, null, null, '2025-01-02T09:00:00.000Z',
     '2025-01-02T09:00:00.000Z', 1, blob'01', '2025-03-01T00:00:09.123Z', 1, null, null, null),
    (2, 1, 'msg_2', 'org_example', 'bu_example', 'u_bot', 'response', null, 'View List',
     'Choose a colour', null, null, null, '2025-01-02T09:00:01.000Z', '2025-01-02T09:05:00.000Z',
     2, blob'02', '2025-03-01T00:00:09.123Z', 1, null, null, null),
    (3, 1, 'msg_3', 'org_example', 'bu_example', 'con_ann', 'quick_reply', null, 'Blue', 'Blue',
     null, null, null, '2025-01-02T09:00:02.000Z', '2025-01-02T09:00:02.000Z', 1, blob'03',
     '2025-03-01T00:00:09.123Z', 1, null, null, null),
    (4, 1, 'msg_4', 'org_example', 'bu_example', 'u_bot', 'image', 'pdf', null, 'Price list',
     null, null, null, '2025-01-03T00:00:00.001Z', '2025-01-03T00:00:00.001Z', 1, blob'04',
     '2025-03-01T00:00:09.123Z', 1, null, null, null),
    (5, 1, 'msg_5', null, null, 'confused', 'location', null, null, 'Office, 1 Example Road', null,
     null, null, '2025-01-03T00:00:01.000Z', null, 1, blob'05', '2025-03-01T00:00:09.123Z', 1,
     null, null, null),
    (6, 1, 'msg_6', null, null, null, 'contact', null, null, 'Ann Lee', null, null, null,
     '2025-01-03T00:00:02.000Z', null, 1, blob'06', '2025-03-01T00:00:09.123Z', 1, null, null,
     null),
    (7, 1, 'msg_7', null, null, 'user_x', 'whatsapp.template', null, null,
     'Hi Ann, order A-1042 has shipped.', null, null, null, '2025-01-03T00:00:03.000Z', null, 1,
     blob'07', '2025-03-01T00:00:09.123Z', 1, '2025-03-02T00:00:05.000Z', 2, null),
    (8, 1, 'msg_8', null, null, 'u_bot', 'text', null, null, 'We open at 9:00.', true, 'stream_1',
     2, '2025-01-04T00:00:00.000Z', null, 2, blob'08', '2025-03-01T00:00:09.123Z', 1,
     '2025-03-01T00:00:09.123Z', 1, '2025-03-01T00:00:09.123Z'),
    (9, 1, 'sha256:ab', null, null, 'con_ann', 'hologram', null, null, null, null, null, null, null,
     null, 1, blob'09', '2025-03-01T00:00:09.123Z', 1, null, null, null),
    (10, 2, 'msg_1', null, null, 'u_bot', null, null, null, 'the same id, another place', null,
     null, null, '2025-01-05T00:00:00.000Z', null, 1, blob'10', '2025-03-01T00:00:19.000Z', 1,
     null, null, null);

insert into message_versions
    (message_key, version, event, observed_at, recorded_at, run_id, raw, sha256) values
    (1, 1, 'created', '2025-03-01T00:00:09.123Z', '2025-03-01T00:00:10.000Z', 1, '{"_id":"msg_1"}',
     blob'00AAff'),
    (2, 1, 'created', '2025-03-01T00:00:09.123Z', '2025-03-01T00:00:10.000Z', 1, '{"_id":"msg_2"}',
     blob'0a'),
    (2, 2, 'edited', '2025-03-02T00:00:05.000Z', '2025-03-02T00:00:06.000Z', 2,
     '{"_id":"msg_2","content":{"answered":"1"}}', blob'0b'),
    (8, 1, 'created', '2025-03-01T00:00:09.123Z', '2025-03-01T00:00:10.000Z', 1, '{"_id":"msg_8"}',
     blob'0c'),
    (8, 2, 'deleted', '2025-03-02T00:00:05.000Z', '2025-03-02T00:00:06.000Z', 2, null, null),
    (10, 1, 'created', '2025-03-01T00:00:19.000Z', '2025-03-01T00:00:20.000Z', 1, '{"_id":"msg_1"}',
     blob'0d');

insert into quick_reply_options
    (message_key, position, option_id, content_type, title, payload, description, answered) values
    (2, 0, '0', 'text', 'Red', '0_Shop', null, false),
    (2, 1, '1', 'text', 'Blue', '1_Shop', 'the popular one', true);
insert into quick_replies (message_key, title, payload, description) values
    (3, 'Blue', '1_Shop', '');
insert into attachments (message_key, url, host, declared_type, media_kind, caption) values
    (4, 'https://files.example.com/chat/file_1.pdf', 'files.example.com', 'image', 'pdf',
     'Price list');
insert into locations (message_key, latitude, longitude, name, address) values
    (5, 22.2819, -114.5, 'Office', '1 Example Road');
insert into shared_contacts (message_key, position, name, phone_number, email) values
    (6, 0, 'Ann Lee', '85200000000', null),
    (6, 1, 'Bo Lee', null, 'bo@example.com');
insert into template_variables (message_key, position, value) values
    (7, 1, 'Ann'), (7, 2, 'A-1042');
insert into senders (id, kind, first_seen_run) values
    ('con_ann', 'contact', 1), ('u_bot', 'user', 1), ('confused', 'unknown', 1),
    ('user_x', 'unknown', 1);
insert into anomalies (message_key, version, position, kind, path, detail) values
    (9, 1, 0, 'unknown_type', 'type', 'a type of 8 letters'),
    (9, 1, 1, 'missing_field', '_id', 'no id');

insert into conversation_links
    (key, phone_number, conversation_id, link, created_at, first_seen_run, last_seen_run) values
    (1, '85200000000', 'conv_testing_conversation1', 'https://webapp.example.com/chatroom-routing?conv_id=conv_testing_conversation1',
     '2025-01-02T08:59:00.000Z', 1, 2),
    (2, '12345678', null, null, null, 1, 1);

insert into failures (key, run_id, conversation_key, class, reason, occurred_at, resolved_run,
    waived_at, waived_reason) values
    (1, 1, 1, 'server', '502 after 6 attempts', '2025-03-01T00:00:10.000Z', 2, null, null),
    (2, 1, 2, 'tie_group_exceeds_page', 'more than 100 messages share one millisecond',
     '2025-03-01T00:00:20.000Z', null, null, null),
    (3, 1, 3, 'gone', 'Conversation not found', '2025-03-01T00:00:30.000Z', null,
     '2025-03-01T10:00:00.000Z', 'moved to the new system'),
    (4, 1, null, 'systemic', 'the licence does not allow it', '2025-03-01T00:00:40.000Z', null,
     null, null);

insert into run_conversations (run_id, conversation_key, state, reason, messages_new,
    messages_changed, messages_deleted, requests, finished_at) values
    (1, 1, 'complete', null, 10, 0, 0, 3, '2025-03-01T00:00:10.000Z'),
    (1, 2, 'partial', 'stopped at a group of equal times', 1, 0, 0, 2, '2025-03-01T00:00:20.000Z'),
    (2, 1, 'complete', null, 0, 1, 1, 1, '2025-03-02T00:00:06.000Z');

-- Turns and answers, offers and choices: a greeting before anybody asked, two questions in a row,
-- an answer at the same millisecond, one menu twice, a choice told by its title alone, a choice
-- of nothing that was offered, and a last question that nobody has answered.
insert into conversations (key, id, organization_id, business_unit_id, state, reason, state_since,
    first_listed_run, last_run, live_count, unlisted, tail_proof, full_since) values
    (8, 'conv_busy', 'org_example', 'bu_example', 'partial', 'a hole is left',
     '2025-03-02T00:00:10.000Z', 2, 2, 12, 0, 'count', null);
insert into conversation_proofs (conversation_key, checked_at, proven_at, horizon) values
    (8, '2025-03-02T00:00:10.000Z', null, null);
insert into coverage_pieces (conversation_key, layer, position, after_time, before_time, sent_at,
    settled) values
    (8, 0, 0, null, '2025-02-01T10:00:00.000Z', '2025-03-02T00:00:08.000Z', true),
    (8, 0, 1, '2025-02-01T09:30:00.000Z', '2025-02-01T12:00:00.000Z', '2025-03-02T00:00:09.000Z',
     true),
    (8, 0, 2, '2025-02-02T00:00:00.000Z', null, '2025-03-02T00:00:10.000Z', false),
    (8, 2, 0, '2025-02-03T00:00:00.000Z', '2025-02-03T00:00:00.001Z', '2025-03-02T00:00:10.000Z',
     false);
insert into messages (key, conversation_key, id, sender_id, type, title, text, created_at, version,
    digest, observed_at, first_seen_run) values
    (20, 8, 'b_01', 'u_ivy', 'text', null, 'Hello!', '2025-02-01T08:00:00.000Z', 1, blob'20',
     '2025-03-02T00:00:08.000Z', 2),
    (21, 8, 'b_02', 'con_bo', 'text', null, 'Is it open?', '2025-02-01T09:00:00.000Z', 1,
     blob'21', '2025-03-02T00:00:08.000Z', 2),
    (22, 8, 'b_03', 'con_bo', 'text', null, 'On Sunday?', '2025-02-01T09:00:30.500Z', 1,
     blob'22', '2025-03-02T00:00:08.000Z', 2),
    (23, 8, 'b_04', 'u_bot', 'response', 'Opening hours', 'Which shop?',
     '2025-02-01T09:00:31.000Z', 1, blob'23', '2025-03-02T00:00:08.000Z', 2),
    (24, 8, 'b_05', 'u_bot', 'response', 'Opening hours', 'Which shop?',
     '2025-02-01T09:10:00.000Z', 1, blob'24', '2025-03-02T00:00:08.000Z', 2),
    (25, 8, 'b_06', 'con_bo', 'quick_reply', 'Harbour', 'Harbour', '2025-02-01T09:10:04.250Z', 1,
     blob'25', '2025-03-02T00:00:08.000Z', 2),
    (26, 8, 'b_07', 'u_ivy', 'text', null, 'Ten to six.', '2025-02-01T09:10:04.250Z', 1,
     blob'26', '2025-03-02T00:00:08.000Z', 2),
    (27, 8, 'b_08', 'con_bo', 'quick_reply', 'Airport', 'Airport', '2025-02-01T09:11:00.000Z', 1,
     blob'27', '2025-03-02T00:00:08.000Z', 2),
    (28, 8, 'b_09', 'u_bot', 'response', null, 'Was this helpful?', '2025-02-01T23:59:59.999Z', 1,
     blob'28', '2025-03-02T00:00:08.000Z', 2),
    (29, 8, 'b_10', 'con_bo', 'quick_reply', 'Yes', 'Yes', '2025-02-02T00:00:09.000Z', 1,
     blob'29', '2025-03-02T00:00:08.000Z', 2),
    (30, 8, 'b_11', 'con_bo', 'quick_reply', 'Maybe', 'Maybe', '2025-02-02T00:00:10.000Z', 1,
     blob'30', '2025-03-02T00:00:08.000Z', 2),
    (31, 8, 'b_12', 'con_bo', 'text', null, 'Anybody there?', '2025-02-02T00:01:00.000Z', 1,
     blob'31', '2025-03-02T00:00:08.000Z', 2);
insert into messages (key, conversation_key, id, sender_id, type, text, created_at, version, digest,
    observed_at, first_seen_run, missing_since, missing_run, deleted_at) values
    (32, 8, 'b_13', 'u_ivy', 'text', 'An answer that was taken back', '2025-02-02T00:02:00.000Z',
     2, blob'32', '2025-03-02T00:00:08.000Z', 1, '2025-03-01T00:00:30.000Z', 1,
     '2025-03-01T00:00:30.000Z');
insert into message_versions
    (message_key, version, event, observed_at, recorded_at, run_id, raw, sha256) values
    (32, 1, 'created', '2025-03-01T00:00:08.000Z', '2025-03-01T00:00:09.000Z', 1,
     '{"_id":"b_13"}', blob'0e'),
    (32, 2, 'deleted', '2025-03-02T00:00:08.000Z', '2025-03-02T00:00:09.000Z', 2, null, null);
insert into absences (message_key, strike, run_id, sent_at, after_time, before_time) values
    (32, 1, 1, '2025-03-01T00:00:30.000Z', '2025-02-01T00:00:00.000Z', null),
    (32, 2, 2, '2025-03-02T00:00:08.000Z', '2025-02-01T00:00:00.000Z', null);
insert into quick_reply_options
    (message_key, position, option_id, content_type, title, payload, description, answered) values
    (23, 0, '0', 'text', 'Harbour', 'shop_1', null, null),
    (23, 1, '1', 'text', 'Airport', 'shop_2', null, null),
    (24, 0, '0', 'text', 'Harbour', 'shop_1', null, null),
    (24, 1, '1', 'text', 'Airport', 'shop_2', null, null),
    (28, 0, '0', 'text', 'Yes', null, null, null),
    (28, 1, '1', 'text', 'No', '', null, null);
insert into quick_replies (message_key, title, payload, description) values
    (25, 'Harbour', 'shop_1', ''), (27, 'Airport', 'shop_2', null), (29, 'Yes', null, null),
    (30, 'Maybe', 'maybe', null);
insert into senders (id, kind, first_seen_run) values ('con_bo', 'contact', 2), ('u_ivy', 'user', 2);
insert into sender_names (id, name, is_bot, team, imported_at) values
    ('u_bot', 'Menu bot', true, null, '2025-03-02T01:00:00.000Z'),
    ('u_ivy', 'Ivy 陳', false, 'Support', '2025-03-02T01:00:00.000Z'),
    ('u_later', 'No message yet', null, 'Sales', '2025-03-02T01:00:00.000Z');
insert into message_changes (message_key, version, position, path, before, after) values
    (2, 2, 0, 'content.answered', null, '1'),
    (2, 2, 1, 'updated_at', '2025-01-02T09:00:01.000Z', '2025-01-02T09:05:00.000Z');
