"""A client of a vLLM server, through its OpenAI-compatible API: token ids and a seed per request."""

import asyncio
import json
import urllib.request

import aiohttp

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Llm
from workflow_scripts.generation.engines import Completion, Task
from workflow_scripts.generation.engines.server_file import reason_of_death, wait_for_server

PATIENCE_S = 600  # a server that says nothing for so long is taken for dead
PAUSES_S = (0.5, 1, 2, 4)  # before a request is sent again
RETRIED_STATUS = (429, 500, 502, 503, 504)


class ServerEngine:
    """Sends every task at once and collects answers as they come. Raises UserError when the server has died."""

    def __init__(self, server: str | None, llm: Llm) -> None:
        self.url, self.file, self.llm = wait_for_server(server), server, llm
        self.model = _served_model(self.url, llm.context)
        self.identity = f"vllm-server {_get_json(f'{self.url}/version')['version']}"
        self.loop = asyncio.new_event_loop()
        self.session: aiohttp.ClientSession | None = None
        self.tasks: set[asyncio.Task] = set()

    def add(self, number: int, task: Task) -> None:
        """Queue a task; it is sent with the next step."""
        self.tasks.add(self.loop.create_task(self._answer(number, task)))

    def step(self) -> list[tuple[int, Completion]]:
        """Wait for the next answers."""
        done, self.tasks = self.loop.run_until_complete(asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED))
        for failure in filter(None, [task.exception() for task in done]):
            raise failure
        return [task.result() for task in done]

    def forget(self) -> None:
        """Nothing: other clients use the server's prefix cache, too."""

    def close(self) -> None:
        """Drop what is still asked, and the connections."""
        for task in self.tasks:
            task.cancel()
        self.loop.run_until_complete(self._end())
        self.loop.close()

    async def _end(self) -> None:
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.session:
            await self.session.close()

    async def _answer(self, number: int, task: Task) -> tuple[int, Completion]:
        body = {
            "model": self.model,
            "prompt": task.prompt_ids,
            "max_tokens": task.max_new_tokens,
            "temperature": self.llm.temperature,
            "top_p": self.llm.top_p,
            "seed": task.seed,
        }
        for pause in (*PAUSES_S, None):
            try:
                return number, await self._ask(body)
            except (aiohttp.ClientError, TimeoutError) as error:
                if pause is None:
                    raise UserError(self._death_notice(error)) from error
                await asyncio.sleep(pause)

    async def _ask(self, body: dict) -> Completion:
        if self.session is None:
            connections = aiohttp.TCPConnector(limit=0)  # the server queues better than we do
            patience = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=PATIENCE_S)
            self.session = aiohttp.ClientSession(connector=connections, timeout=patience)
        async with self.session.post(f"{self.url}/v1/completions", json=body) as response:
            if response.status != 200 and response.status not in RETRIED_STATUS:
                raise UserError(f"{self.url} refused a prompt ({response.status}): {await response.text()}")
            response.raise_for_status()
            found = await response.json()
        choice = found["choices"][0]
        return Completion(choice["text"], found["usage"]["completion_tokens"], choice["finish_reason"] or "stop")

    def _death_notice(self, error: Exception) -> str:
        notice = f"{self.url} no longer answers ({type(error).__name__}: {error}). Finished batches are kept: run again"
        return notice + f". {reason[0].upper()}{reason[1:]}" if (reason := reason_of_death(self.file)) else notice


def _get_json(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def _served_model(url: str, context: int) -> str:
    model = _get_json(f"{url}/v1/models")["data"][0]
    if model["max_model_len"] < context:
        raise UserError(
            f"{url} serves {model['id']} with a context of {model['max_model_len']} tokens and the llm's is {context}: "
            "start the server with a larger --max-model-len, or lower the llm's context"
        )
    return model["id"]
