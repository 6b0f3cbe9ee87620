"""The simulator that the scripts are run against, and an inbox for what it posts."""
import json
import queue
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

BASE = "http://127.0.0.1:12111"
for argument in sys.argv[1:]:
    if argument.startswith("http://"):
        BASE = argument
        sys.argv.remove(argument)

# Longer than a delivery takes on a busy machine.
WAIT_MAX_S = 20


def client(key="sk_test_psapay_demo", retries=0):
    return stripe.StripeClient(
        key,
        base_addresses={"api": BASE, "connect": BASE, "files": BASE},
        max_network_retries=retries,
    )


def control(path, body=None):
    """A request of the simulator's own control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE}/_simulator/{path}", data=data)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def advance(ms):
    return control("clock", {"advance_ms": ms})


def connected_account():
    """An account that can take cards; made through the control API, as onboarding would."""
    wanted = {"country": "DE", "email": "msp@example.com", "business_name": "Nordwind IT", "livemode": False}
    return control("accounts", wanted)["id"]


def until(call, passes):
    """Calls until what is asked for is there."""
    for _ in range(100):
        value = call()
        if passes(value):
            return value
        advance(1_000)
    raise AssertionError("it did not come")


class Inbox:
    """A small server for deliveries."""

    def __init__(self):
        self.deliveries = queue.Queue()
        received = self.deliveries

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.put((body, self.headers["Stripe-Signature"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def next(self, passes):
        """The next delivery that passes: its body, as it came, and its signature."""
        while True:
            body, signature = self.deliveries.get(timeout=WAIT_MAX_S)
            if passes(json.loads(body)):
                return body, signature

    def close(self):
        self.server.shutdown()
        self.server.server_close()
