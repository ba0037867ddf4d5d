"""Marks Resolver query logs with DuckDB, as a peer of `resolverwatch scan` for make bench.

    cold_duckdb.py THREADS OUT LIST LOGS

LIST has a name on each line, and LOGS is a pattern of files of gzip NDJSON. Each record is
written to OUT with the member "verdict": malicious if its query name, or a parent of it, is in
LIST, and clean otherwise. Query names have at most six labels, because DuckDB needs a join for
each level. Standard error gets a line of JSON: the version, and the processor time in seconds
that Python and the import took.
"""

import json
import resource
import sys

import duckdb


def lines(path, column):
    return f"""read_csv('{path}', header=false, auto_detect=false, columns={{'{column}': 'VARCHAR'}},
        delim='\x01', quote='', escape='')"""


def main(threads, out, names, logs):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    start = usage.ru_utime + usage.ru_stime

    parents = " OR ".join(f"array_to_string(labels[{n}:], '.') IN (FROM listed)" for n in range(2, 7))
    connection = duckdb.connect(config={"threads": int(threads), "preserve_insertion_order": False})
    connection.execute(f"""
        COPY (
            WITH listed AS MATERIALIZED (SELECT name FROM {lines(names, 'name')}),
            record AS (SELECT line, rtrim(lower(line ->> '$.query_name'), '.') AS name FROM {lines(logs, 'line')}),
            split AS (SELECT line, name, string_split(name, '.') AS labels FROM record)
            SELECT substr(line, 1, length(line) - 1) || CASE
                WHEN name IN (FROM listed) OR {parents} THEN ',"verdict":"malicious"}}'
                ELSE ',"verdict":"clean"}}' END
            FROM split
        ) TO '{out}' (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')""")

    print(json.dumps({"version": duckdb.__version__, "start": start}), file=sys.stderr)


main(*sys.argv[1:])
