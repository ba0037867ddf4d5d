"""Runs moto as the AWS to which `make e2e` deploys.

Prints {"url": ...} as its first line on standard output once it answers, logs to
standard error, and ends when its standard input is closed, so that it never outlives the
test that started it.
"""

import json
import logging
import os
import sys
import threading

# AWS managed policies, which CDK's bootstrap attaches to its roles.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

import corrections
import engine
import handlers  # noqa: F401  defines the resource types
import stacks


def main():
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for chatty in ("botocore", "boto3", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    engine.install()
    stacks.install()
    corrections.install()
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # The CDK command line recognizes the template bucket by a host name that is not an address.
    engine.ENDPOINT["url"] = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()
    server.shutdown()
    logging.shutdown()
    os._exit(0)  # stopping moto takes seconds, on a busy machine longer than the test waits


if __name__ == "__main__":
    main()
