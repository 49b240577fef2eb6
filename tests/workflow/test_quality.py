"""The repository's own form: lint, format, and no file that a tool would complain of."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CHECKS = {
    "ruff check": [BIN / "ruff", "check", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "."],
    "snakefmt": [BIN / "snakefmt", "--check", "Snakefile", "rules"],
    "snakemake --lint": [BIN / "snakemake", "--lint"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_tool_is_content(name):
    result = subprocess.run(list(map(str, CHECKS[name])), capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_building_the_dag_imports_nothing_heavy():
    """Every cluster job parses the Snakefile again: no torch, no vLLM, no pandas in the modules it imports."""
    modules = ["config.runs", "config.load", "common.packages", "common.lock", "corpus.packaged"]
    code = "import sys, " + ", ".join(f"workflow_scripts.{name}" for name in modules)
    code += "; print([m for m in ('torch', 'vllm', 'transformers', 'pandas') if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert printed.strip() == "[]"
