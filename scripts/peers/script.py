"""What an analyst writes in an afternoon: httpx, sixteen conversations at once, sqlite3.

  python script.py GATEWAY IDS_FILE ARCHIVE

Pages of 100 by skip and limit until one is not full; one row a message with the fields that
people ask for and the raw JSON, upserted by conversation and id, a transaction a page. No
retries, no state, no proof: an upper bound for what such a script does.
"""

import asyncio
import json
import os
import sqlite3
import sys

import httpx

PAGE = 100
AT_ONCE = 16

gateway, ids_file, archive = sys.argv[1:]
database = sqlite3.connect(archive)
database.execute("pragma journal_mode = wal")
database.execute("pragma synchronous = normal")
database.execute(
    """create table if not exists messages (
        conversation_id text, id text, type text, sender_id text, text text,
        created_at text, updated_at text, raw text,
        primary key (conversation_id, id))"""
)


def row(conversation, item):
    content = item.get("content")
    text = content.get("text") if isinstance(content, dict) else content
    return (
        conversation, item.get("_id"), item.get("type"), item.get("from"),
        text if isinstance(text, str) else None,
        item.get("created_at"), item.get("updated_at"), json.dumps(item, ensure_ascii=False),
    )


async def archive_one(client, places, conversation):
    async with places:
        skip = 0
        while True:
            answer = await client.get(
                f"/3rd/conversations/{conversation}/messages",
                params={"limit": PAGE, "skip": skip},
            )
            answer.raise_for_status()
            items = answer.json()["items"]
            with database:
                database.executemany(
                    """insert into messages values (?, ?, ?, ?, ?, ?, ?, ?)
                       on conflict do update set type = excluded.type,
                           sender_id = excluded.sender_id, text = excluded.text,
                           created_at = excluded.created_at, updated_at = excluded.updated_at,
                           raw = excluded.raw""",
                    [row(conversation, item) for item in items],
                )
            skip += len(items)
            if len(items) < PAGE:
                return


async def main():
    with open(ids_file) as lines:
        ids = [line.strip() for line in lines if line.strip()]
    places = asyncio.Semaphore(AT_ONCE)
    headers = {"x-access-token": os.environ["IMBRACE_ACCESS_TOKEN"]}
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(
        base_url=gateway, headers=headers, limits=limits, timeout=35
    ) as client:
        await asyncio.gather(*(archive_one(client, places, id) for id in ids))
    print(database.execute("select count(*) from messages").fetchone()[0])


asyncio.run(main())
