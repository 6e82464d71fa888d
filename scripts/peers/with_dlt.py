"""The same with dlt, as its documentation shows it: a resource of pages, merged by key.

  python with_dlt.py GATEWAY IDS_FILE DESTINATION FOLDER

DESTINATION is sqlite:///FILE or a URL of Postgres. Conversations are read in dlt's own threads,
pages of 100 by skip and limit. Nested fields stay JSON in their row, and dlt is told that no page
repeats another: as it merges unasked, 50,000 messages into SQLite were not done after four minutes.
"""

import os
import sys

import dlt
from dlt.sources.helpers import requests

PAGE = 100

gateway, ids_file, url, folder = sys.argv[1:]
os.environ["EXTRACT__WORKERS"] = "16"


@dlt.resource(name="conversations", selected=False)
def conversations():
    with open(ids_file) as lines:
        for line in lines:
            if line.strip():
                yield {"id": line.strip()}


@dlt.transformer(
    data_from=conversations,
    name="messages",
    write_disposition="merge",
    primary_key=("conversation_id", "_id"),
    max_table_nesting=0,
    parallelized=True,
)
def messages(conversation):
    headers = {"x-access-token": os.environ["IMBRACE_ACCESS_TOKEN"]}
    session = requests.Client(raise_for_status=True).session
    skip = 0
    while True:
        answer = session.get(
            f"{gateway}/3rd/conversations/{conversation['id']}/messages",
            params={"limit": PAGE, "skip": skip},
            headers=headers,
        )
        items = answer.json()["items"]
        for item in items:
            item["conversation_id"] = conversation["id"]
        yield items
        skip += len(items)
        if len(items) < PAGE:
            return


messages.apply_hints(additional_table_hints={"x-stage-data-deduplicated": True})
if url.startswith("sqlite"):
    destination = dlt.destinations.sqlalchemy(credentials=url)
else:
    destination = dlt.destinations.postgres(credentials=url)
pipeline = dlt.pipeline(
    pipeline_name="peer", pipelines_dir=folder, destination=destination, dataset_name="peer"
)
pipeline.run(conversations | messages)
with pipeline.sql_client() as client:
    print(client.execute_sql("select count(*) from messages")[0][0])
