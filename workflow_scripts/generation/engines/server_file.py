"""The JSON file through which clients find a vLLM server: its `url`, and `error` once it has failed or died."""

import time
import urllib.error
import urllib.request
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.common.progress import progress

START_TIMEOUT_S = 1800  # the largest LLMs load for many minutes


def is_healthy(url: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=10) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for_server(path: str | None, timeout_s: float = START_TIMEOUT_S) -> str:
    """The server's url once it is healthy. Raises UserError when it has failed or takes too long."""
    if not path or not Path(path).exists():
        raise UserError(f"engine vllm-server: {path}: no such file; it must be JSON with the `url` of a vLLM server")
    started, url = time.monotonic(), read_json(path)["url"]
    with progress(round(timeout_s), f"waiting for {url}, at most", "s") as bar:
        while not is_healthy(url):
            if reason := reason_of_death(path):
                raise UserError(reason)
            if not Path(path).exists():
                raise UserError(f"{path} is gone while {url} was starting: its job has ended, see that job's log")
            if time.monotonic() - started > timeout_s:
                raise UserError(f"{url} (from {path}) did not answer /health within {timeout_s:.0f} s: is it running?")
            time.sleep(1)
            bar.update(round(time.monotonic() - started) - bar.n)
    return url


def reason_of_death(path: str) -> str | None:
    """What `serve.py` noted when the server failed; none while it runs, or when somebody else started it."""
    return read_json(path).get("error") if Path(path).exists() else None
