"""Debian's Chromium without a window, driven through the DevTools protocol over two pipes: nothing else is needed.

https://chromedevtools.github.io/devtools-protocol; messages are JSON, each ended by a zero byte.
"""

import base64
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TIMEOUT_S = 30
COMMANDS, ANSWERS = 3, 4  # the file descriptors that --remote-debugging-pipe reads and writes
# Root may not use the sandbox; the page under test is our own. Chromium's services would ask the network by themselves.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
OPTIONS += ["--remote-debugging-pipe", "--hide-scrollbars"]


class Page:
    """One tab. `events`: all that the browser told since a page was opened: messages, exceptions, requests."""

    def __init__(self, commands: int, answers: int):
        self._commands, self._answers = commands, os.fdopen(answers, "rb", buffering=0)
        self._pending, self._session, self._number = b"", None, 0
        self.events: list[dict] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters) -> dict:
        """A command's result. Raises RuntimeError with the browser's reason."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        answer = self._next(lambda told: told.get("id") == self._number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, path: Path, width: int, dark: bool = False, media: str = "screen") -> None:
        """Load a file in a window `width` pixels wide, as a phone's below 500, in a light or a dark scheme."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 2 if width < 500 else 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.events.clear()
        self.ask("Page.navigate", url=Path(path).resolve().as_uri())
        if not self.told("Page.loadEventFired"):
            self._next(lambda told: told.get("method") == "Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives. Raises RuntimeError when it throws."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", expression))
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, such as Tab or Enter."""
        text = {"text": "\r"} if key == "Enter" else {}
        code = {"Tab": 9, "Enter": 13, "Escape": 27}[key]
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def told(self, method: str) -> list[dict]:
        """Parameters of all events of one kind."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _next(self, wanted: Callable[[dict], bool]) -> dict:
        """Read until a wanted message comes; an event that has come already counts."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            while b"\0" not in self._pending:
                piece = self._answers.read(1 << 20)
                if not piece:
                    raise RuntimeError("the browser has ended")
                self._pending += piece
            message, _, self._pending = self._pending.partition(b"\0")
            self.events.append(json.loads(message))
            if wanted(self.events[-1]):
                return self.events[-1]
        raise TimeoutError(f"the browser did not answer within {TIMEOUT_S} s")


@contextlib.contextmanager
def browser(program: Path, libraries: str, profile: Path) -> Iterator[Page]:
    """A tab of a browser that ends with the block. `libraries`: LD_LIBRARY_PATH."""
    read_commands, commands = os.pipe()
    answers, write_answers = os.pipe()
    redirect = f'exec {COMMANDS}<&{read_commands} {ANSWERS}>&{write_answers}; exec "$@"'
    command = ["bash", "-c", redirect, "bash", str(program), *OPTIONS, f"--user-data-dir={profile}"]
    environment = os.environ | {"LD_LIBRARY_PATH": libraries, "HOME": str(profile)}
    with open(profile / "browser.log", "wb") as log:
        process = subprocess.Popen(
            command, env=environment, pass_fds=(read_commands, write_answers), stdout=log, stderr=log
        )
    for descriptor in (read_commands, write_answers):
        os.close(descriptor)
    try:
        yield Page(commands, answers)
    finally:
        process.kill()
        process.wait()
        os.close(commands)
