"""The repository's own form: lint, format, and no file that a tool would complain of."""

import re
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


HEAVY = ["torch", "vllm", "transformers", "tokenizers", "datasets", "datasketch", "numpy", "scipy", "pandas", "pyarrow",
         "matplotlib", "networkx", "tqdm"]  # fmt: skip


def test_building_the_dag_imports_nothing_heavy():
    """Every cluster job parses the Snakefile again; what its rule files import must cost next to nothing."""
    text = "".join(path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")])
    modules = sorted(set(re.findall(r"^\s*(?:from|import) (workflow_scripts[\w.]*)", text, flags=re.MULTILINE)))
    assert len(modules) > 5
    code = f"import sys, {', '.join(modules)}; print([m for m in {HEAVY} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert printed.strip() == "[]"
