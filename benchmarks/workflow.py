"""What the workflow itself costs: planning, finding nothing to do, and the start of each small rule's program.

`finished` and `nothing to do` need a folder in which a scale has been run to its end (--folder, --scale).
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Measurement, add_options, finish, medians, run_benchmark, take_turns
from workflow_scripts.common.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
PAPER = ["--config", "scale=paper", "-n", "--quiet", "rules"]
COMMANDS = [
    "common.packages", "config.write_runs", "corpus.read", "corpus.split", "corpus.tokenizer", "corpus.sample",
    "megadocs.build", "megadocs.shuffle", "generation.card", "evaluation.collect", "tuning.certify",
    "tuning.propose", "planning.plan", "status.show", "audit.repair",
    "scaling.efficiency", "figures.generation_scaling", "figures.data_efficiency", "figures.context_length",
    "audit.times", "audit.results",
]  # fmt: skip
LIMITS_S = {"paper": 5, "finished": 5} | dict.fromkeys(COMMANDS, 2)
LIMITS_MIB = {"paper": 500, "paper-search": 500}


def snakemake(folder: str, *options: str) -> list[str]:
    """Command line of a `snakemake` call in a folder, with this checkout's rules."""
    base = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", folder, "--snakefile", ROOT / "Snakefile"]
    settings = ["--workflow-profile", ROOT / "profiles/default", "--configfile", ROOT / "config.yaml"]
    return [*map(str, [*base, *settings]), *options]


def command_of(arm: str, folder: str, scale: str, empty: str) -> list[str]:
    """What an arm runs; `empty` is a folder without results."""
    own = {
        "snakemake-alone": [sys.executable, "-c", "import snakemake.cli"],
        "paper": snakemake(empty, *PAPER),
        "paper-search": snakemake(empty, *PAPER, "--", "tuning"),
        "finished": snakemake(folder, "--config", f"scale={scale}", "-n"),
        "nothing-to-do": snakemake(folder, "--config", f"scale={scale}"),
    }
    return own.get(arm) or [sys.executable, "-m", f"workflow_scripts.{arm}", "--help"]


def run_arm(arguments: argparse.Namespace) -> Measurement:
    """Seconds and peak memory of one command. Raises UserError when it fails, or had something to do."""
    with tempfile.TemporaryDirectory() as empty:
        command = command_of(arguments.arm, arguments.folder, arguments.scale, empty)
        started = time.perf_counter()
        result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        seconds = time.perf_counter() - started
    printed = result.stdout + result.stderr
    if result.returncode:
        raise UserError(printed[-2000:])
    if arguments.arm in ("finished", "nothing-to-do") and "Nothing to be done" not in printed:
        raise UserError(f"{arguments.folder}: scale {arguments.scale} is not finished here; run it first")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "memory_mib": used.ru_maxrss / 1024}


def main(arguments: argparse.Namespace) -> None:
    """Take turns, print the table."""
    arms = ["snakemake-alone", "paper", "paper-search", *(["finished"] if arguments.folder else []), *COMMANDS]
    if arguments.folder:  # before anything is measured, so that a folder with work to do is never run
        options = argparse.Namespace(arm="finished", folder=arguments.folder, scale=arguments.scale)
        run_arm(options)
        arms.append("nothing-to-do")
    options = {"folder": arguments.folder, "scale": arguments.scale}
    found = take_turns("benchmarks.workflow", arms, options, arguments.repeats, {})
    lines = [f"{'what':<30}{'seconds':>10}{'limit':>8}{'CPU s':>10}{'MiB':>10}{'limit':>8}"]
    for arm, values in medians(found).items():
        times = f"{values['seconds']:>10.2f}{LIMITS_S.get(arm, ''):>8}{values['cpu_seconds']:>10.2f}"
        lines.append(f"{arm:<30}{times}{values['memory_mib']:>10.0f}{LIMITS_MIB.get(arm, ''):>8}")
    finish("What the workflow itself costs", "\n".join(lines), found, options, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", help="working folder of a finished scale")
    parser.add_argument("--scale", default="laptop", help="the one that is finished there (default: %(default)s)")
    add_options(parser, repeats=3)
    run_benchmark(main, run_arm, parser)
