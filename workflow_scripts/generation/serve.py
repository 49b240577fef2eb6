"""Keep a vLLM server running for generation jobs until this command is ended, then leave no process behind.

The JSON file with its `url` is written at once, because Snakemake waits for a service's file for seconds and a server
starts in minutes; clients ask /health until it is ready. When the server can't start or dies, `error` says why there.
"""

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.common.hub import located
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.generation.engines.server_file import is_healthy

SHUTDOWN_S = 30
LOG_LINES = 20
PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
# As in engines/vllm_cpu.py, less the kernels, which would have to be installed inside the server's own processes.
CPU_OPTIONS = ["--enforce-eager", "--no-enable-chunked-prefill", "--block-size", "32"]


def server_command(model: str, llm: Llm, settings: Generation, address: tuple[str, int], on_cpu: bool) -> list[str]:
    """`vllm serve` with the settings that generation in the job's own process has.

    By its module: the command itself fails in the CPU build, whose package has another name.
    """
    host, port = address
    return [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model),
        *("--host", host, "--port", str(port)),
        *("--revision", llm.revision, "--dtype", llm.dtype, "--max-model-len", str(llm.context)),
        *("--tensor-parallel-size", str(llm.tensor_parallel)),
        *("--max-num-seqs", str(settings.sequences), "--generation-config", "vllm", "--disable-uvicorn-access-log"),
        *([*CPU_OPTIONS, "--max-num-batched-tokens", str(2 * llm.context)] if on_cpu else []),
        *settings.server_options,
    ]


def server_environment(settings: Generation) -> dict[str, str]:
    """Environment of the server."""
    # Threads that wait by spinning on a core which another of the server's processes uses leave it a few tokens/s.
    defaults = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    defaults |= {"OMP_NUM_THREADS": str(max(1, len(os.sched_getaffinity(0)) - 1)), "OMP_WAIT_POLICY": "PASSIVE"}
    return defaults | os.environ | ({"VLLM_BATCH_INVARIANT": "1"} if settings.batch_invariant else {})


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    """Start the server in a process group of its own; it is ended even when this process is killed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None)
    with open(log, "wb") as sink:
        return subprocess.Popen(
            command,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
        )


def stop(process: subprocess.Popen) -> None:
    """End the server and whatever it started: politely, then by force."""
    for sign, patience in ((signal.SIGTERM, SHUTDOWN_S), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def keep(process: subprocess.Popen, output: str, server: dict) -> None:
    """Return when the workflow that wanted the server is gone. Raises UserError when the server ends by itself."""
    parent, started, ready = os.getppid(), time.monotonic(), False
    while os.getppid() == parent:
        if process.poll() is not None:
            raise UserError(_obituary(process.returncode, Path(server["log"]), ready))
        if not ready and is_healthy(server["url"]):
            ready, seconds = True, round(time.monotonic() - started, 1)
            write_json(output, server | {"start_seconds": seconds})
            print(f"{server['url']} is ready after {seconds} s")
        time.sleep(0.5)


def _obituary(status: int, log: Path, ready: bool) -> str:
    end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])
    return f"the vLLM server {'died' if ready else 'did not start'} (exit status {status}); the end of {log}:\n{end}"


def main(arguments: argparse.Namespace) -> None:
    """Serve until ended."""
    settings, llm = parse_settings(Generation, arguments.settings), parse_settings(Llm, arguments.llm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    address = arguments.host, arguments.port or free_port(arguments.host)
    name = socket.gethostname() if arguments.host == "0.0.0.0" else arguments.host
    server = {"url": f"http://{name}:{address[1]}", "log": os.path.abspath(arguments.log)}
    on_cpu, process = arguments.accelerator == "cpu", None
    try:
        write_json(arguments.output, server)
        model = located("model", arguments.model, llm.revision)
        command = server_command(model, llm, settings, address, on_cpu)
        process = start(command, server_environment(settings), Path(arguments.log))
        keep(process, arguments.output, server)
    except UserError as error:
        write_json(arguments.output, server | {"error": str(error)})
        raise
    finally:
        if process:
            stop(process)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--llm", required=True, help="JSON of the generator's entry in `llms`")
    parser.add_argument("--model", required=True, help="folder or hub id of the generator's weights")
    parser.add_argument("--accelerator", choices=["cpu", "cuda"], default="cuda", help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: reachable by other nodes (default: %(default)s)")
    parser.add_argument("--port", type=int, help="default: a free one")
    parser.add_argument("--log", required=True, help="the server's messages")
    parser.add_argument("--output", required=True, help="JSON with the server's `url`, for its clients")
    run_command(main, parser)
