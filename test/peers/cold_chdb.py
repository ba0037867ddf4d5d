"""Marks Resolver query logs with chDB, as a peer of `resolverwatch scan` for make bench.

    cold_chdb.py THREADS OUT LIST LOGS [text]

LIST has a name on each line, and LOGS is a pattern of files of gzip NDJSON. Each record is
written to OUT with the member "verdict": malicious if its query name, or a parent of it, is in
LIST, and clean otherwise. With the word "text", the line is not parsed as JSON: the first
"query_name" in it counts. Standard error gets a line of JSON: the version, and the processor
time in seconds that Python and the import took.
"""

import json
import resource
import sys

import chdb


def main(threads, out, names, logs, how="json"):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    start = usage.ru_utime + usage.ru_stime

    extract = "simpleJSONExtractString" if how == "text" else "JSONExtractString"
    chdb.query(f"""
        SELECT concat(substring(line, 1, length(line) - 1), if(
            arrayExists(
                suffix -> suffix IN (SELECT name FROM file('{names}', 'LineAsString', 'name String')),
                arrayMap(n -> arrayStringConcat(arraySlice(labels, n), '.'), arrayEnumerate(labels))),
            ',"verdict":"malicious"}}', ',"verdict":"clean"}}'))
        FROM (
            SELECT line, splitByChar('.', trimRight(lower({extract}(line, 'query_name')), '.')) AS labels
            FROM file('{logs}', 'LineAsString', 'line String')
        )
        INTO OUTFILE '{out}' APPEND FORMAT LineAsString
        SETTINGS max_threads = {threads}""")

    print(json.dumps({"version": chdb.__version__, "start": start}), file=sys.stderr)


main(*sys.argv[1:])
