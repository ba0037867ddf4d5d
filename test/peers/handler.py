"""A Firehose transformer in Python, as a peer for make bench.

    handler.py EVENT LIST ROUNDS

It does for each record what a short handler does: it decodes base64 and JSON, looks one name up
in a table, adds the answer, and encodes both again. The table is a stub in memory, so a look-up
costs no network and no signature. The name is the last two labels of the query name. It prints
a line of JSON: the records of an event, and the processor time of the median round in seconds,
if nothing is logged, and if the event and each record are logged, to nowhere.
"""

import base64
import json
import logging
import os
import statistics
import sys
import time


class Table:
    """A table with a free get_item."""

    def __init__(self, names):
        self.items = {parent(name): {"Item": {"domain": parent(name)}} for name in names}

    def get_item(self, Key):
        return self.items.get(Key["domain"], {})


def parent(name):
    return ".".join(name.rstrip(".").lower().split(".")[-2:])


def handle(event, table, logger):
    logger.info("event: %s", event)
    records = []
    for record in event["records"]:
        log = json.loads(base64.b64decode(record["data"]))
        found = table.get_item(Key={"domain": parent(log["query_name"])})
        logger.info("record: %s", log)
        log["malicious"] = "Y" if "Item" in found else "N"
        line = json.dumps(log) + "\n"
        records.append({
            "recordId": record["recordId"],
            "result": "Ok",
            "data": base64.b64encode(line.encode()).decode(),
        })
    return {"records": records}


def main(event, names, rounds):
    with open(names, encoding="utf-8") as file:
        table = Table(file.read().split())
    with open(event, "rb") as file:
        body = file.read()

    logging.basicConfig(stream=open(os.devnull, "w", encoding="utf-8"))
    logger = logging.getLogger()
    figures = {}
    for name, level in ("silent", logging.WARNING), ("logging", logging.INFO):
        logger.setLevel(level)
        seconds = []
        for _ in range(int(rounds)):
            start = time.process_time()
            # The runtime parses the event and writes the response.
            response = json.dumps(handle(json.loads(body), table, logger))
            seconds.append(time.process_time() - start)
        figures[name] = statistics.median(seconds)
    figures["records"] = len(json.loads(response)["records"])
    print(json.dumps(figures))


main(*sys.argv[1:])
