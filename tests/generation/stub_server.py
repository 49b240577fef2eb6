"""A server that speaks as much of vLLM's API as a client of ours asks, and never answers the prompt [666]."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GET = {
    "/health": {},
    "/version": {"version": "stub"},
    "/v1/models": {"data": [{"id": "stub", "max_model_len": 2048}]},
}


class Handler(BaseHTTPRequestHandler):
    """Echoes the seed as text; the first request of all is refused once, as a busy server would."""

    refused = False

    def do_GET(self) -> None:
        """Health, version, model."""
        self._send(200, GET[self.path])

    def do_POST(self) -> None:
        """A completion."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["prompt"] == [666]:
            time.sleep(60)
        if not Handler.refused:
            Handler.refused = True
            return self._send(503, {})
        answer = {"text": f"seed {asked['seed']}", "finish_reason": "stop"}
        self._send(200, {"choices": [answer], "usage": {"completion_tokens": asked["max_tokens"]}})

    def _send(self, status: int, content: dict) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


if __name__ == "__main__":
    print("stub is listening", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
