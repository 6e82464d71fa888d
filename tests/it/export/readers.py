"""Reads exports as their users would, and prints what was found as JSON."""

import csv
import json
import sys

import duckdb
import pandas


def parquet(path, parts):
    one = f"read_parquet('{path}')"
    all_parts = f"read_parquet('{parts}/**/*.parquet', hive_partitioning = true)"
    duck = duckdb.sql
    frame = pandas.read_parquet(path)
    partitioned = pandas.read_parquet(parts)
    options = duck(
        f"select o.title, o.position from (select unnest(quick_reply_options) o from {one})"
    ).fetchall()
    return {
        "duckdb": {
            "types": {row[0]: row[1] for row in duck(f"describe select * from {one}").fetchall()},
            "messages": duck(f"select count(*) from {one}").fetchall()[0][0],
            "options": len(options),
            "attachments": duck(f"select sum(len(attachments)) from {one}").fetchall()[0][0],
            "created_ms": duck(f"select sum(epoch_ms(created_at) - created_ms) from {one}").fetchall()[0][0],
            "ids": sorted(row[0] for row in duck(f"select id from {one}").fetchall()),
            "texts": sorted(row[0] for row in duck(f"select text from {one} where text is not null").fetchall()),
            "months": {
                f"{row[0]}-{int(row[1]):02}": row[2]
                for row in duck(f"select year, month, count(*) from {all_parts} group by all").fetchall()
            },
        },
        "pandas": {
            "types": {name: str(kind) for name, kind in frame.dtypes.items()},
            "messages": len(frame),
            "options": int(frame.quick_reply_options.str.len().sum()),
            "partitioned": len(partitioned),
            "inbound": int((frame.direction == "inbound").sum()),
        },
    }


def cells(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    found = {"parquet": parquet, "csv": cells}[sys.argv[1]](*sys.argv[2:])
    json.dump(found, sys.stdout)
