-- Each transaction adds a part to the index of words. Parts are joined sixteen at a time in place of
-- four: every word is written half as often, and a search looks into some more of them. The Postgres
-- file of the same name does the like for its index.
insert into search_index (search_index, rank) values ('automerge', 16);
