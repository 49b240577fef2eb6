"""The example of workflow_scripts/methods/README.md, as a stranger would follow it: one module, one entry, one row."""

import json
import re
import shutil

import pyarrow.parquet as pq

from tests.smoke.conftest import ROOT, run

README = ROOT / "workflow_scripts/methods/README.md"
CODE = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "profiles", "results/shipped", "claims.yaml", "envs")


def blocks(language: str) -> list[str]:
    """Blocks of a language in the README, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def test_a_new_method_is_a_module_and_an_entry(folder, tmp_path):
    code = tmp_path / "code"
    for name in CODE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, code / name)
    for environment in ROOT.glob(".venv*"):
        (code / environment.name).symlink_to(environment.resolve())
    (code / "workflow_scripts/methods/summary.py").write_text(blocks("python")[0], encoding="utf-8")
    (tmp_path / "method.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    table = (ROOT / "results/shipped/hyperparameters.csv").read_text(encoding="utf-8")
    (tmp_path / "table.csv").write_text(table.rstrip() + "\n" + blocks("csv")[0], encoding="utf-8")
    files = ["--configfile", code / "config.yaml", tmp_path / "method.yaml"]
    config = ["--config", "scale=smoke", f"hyperparameters={tmp_path / 'table.csv'}", "--rerun-triggers", "mtime"]
    student = "unique-summary_stitched-D2.048k-b2-e2-m0.5-lr0.003-wd0.4-s0"
    run(folder, *files, *config, "--", f"results/smoke/runs/{student}/metrics.json", code=code)
    results = folder / "results/smoke"
    texts = pq.read_table(results / "methods/summary.parquet").to_pylist()
    passages = pq.read_table(results / "comparison/passages.parquet").num_rows
    assert len(texts) == passages and {text["kind"] for text in texts} == {"summary"}
    assert json.loads((results / "methods/summary.json").read_text())["flops"] > 0
    stream = json.loads((results / "streams/arms/summary_stitched.json").read_text())
    assert stream["rows_by_kind"]["summary"] and stream["rows_by_kind"]["real"]
    assert json.loads((results / f"runs/{student}/metrics.json").read_text())["synthetic_tokens_seen"] > 0
