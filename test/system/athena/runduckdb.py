"""Runs SQL in DuckDB: statements and a query for each name come in as JSON, their rows go out."""

import json
import sys

import duckdb


def answer(given):
    connection = duckdb.connect()
    try:
        for statement in given["setup"]:
            connection.execute(statement)
        return {"rows": connection.execute(given["sql"]).fetchall()}
    except duckdb.Error as error:
        return {"error": str(error)}


json.dump({name: answer(given) for name, given in json.load(sys.stdin).items()}, sys.stdout, default=float)
