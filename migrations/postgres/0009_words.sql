-- Words of new messages wait in a list until they are this many KiB, and are put into the index
-- together: each visit of the index costs the same for one message and for many. A search reads
-- the list too. The SQLite file of the same name does the like for its index.
alter index search_index_terms set (gin_pending_list_limit = 16384);
