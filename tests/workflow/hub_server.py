"""A small hub on this machine: the few answers of the Hugging Face hub that fetching and checking need."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "c0ffee" + "0" * 34
GATED, OPEN, UNKNOWN = "owner/gated", "owner/open", "owner/none"


class Hub:
    """Serves repositories {name: {path: bytes}} at one commit; `owner/gated` to the token `member` alone."""

    def __init__(self, repos: dict[str, dict[str, bytes]]) -> None:
        self.repos, self.asked = repos, []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, token: str | None) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        path = path.partition("?")[0].removeprefix("/").removeprefix("api/")
        kind, _, rest = path.partition("/")
        owner, name, what, *place = (rest if kind in ("models", "datasets") else path).split("/")
        repo = f"{owner}/{name}"
        if repo not in self.repos:
            return 401 if token is None else 404, b"", {"X-Error-Code": "RepoNotFound"}
        if place and place[0] not in (COMMIT, "main", COMMIT[:7]):
            return 404, b"", {"X-Error-Code": "RevisionNotFound"}
        if what in ("auth-check", "resolve") and repo == GATED and token != "Bearer member":
            return 401 if token is None else 403, b"", {"X-Error-Code": "GatedRepo"}
        return self._content(repo, what, "/".join(place[1:]))

    def _content(self, repo: str, what: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        files = self.repos[repo]
        if what == "revision":
            return 200, json.dumps({"id": repo, "sha": COMMIT}).encode(), {}
        if what == "tree":
            rows = [{"type": "file", "path": p, "size": len(c), "oid": digest(c)} for p, c in files.items()]
            return 200, json.dumps(rows).encode(), {}
        if what == "resolve":
            return 200, files[path], {"ETag": f'"{digest(files[path])}"', "X-Repo-Commit": COMMIT}
        return 200, b"{}", {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                hub.asked.append(self.path)
                status, body, headers = hub.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                for key, value in (headers | {"Content-Length": str(len(body))}).items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_arguments) -> None:
                """Say nothing."""

        return Handler


def digest(content: bytes) -> str:
    """Name of a blob."""
    return hashlib.sha1(content).hexdigest()
