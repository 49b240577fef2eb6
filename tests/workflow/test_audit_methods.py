"""The tree below a figure of the comparison of all methods: rows name arms, whose streams are of methods' texts."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.arm_packs import arm_pack, write_arm_pack
from tests.workflow.packs import D
from workflow_scripts.audit.trace import trace
from workflow_scripts.audit.verify import digests
from workflow_scripts.common.files import write_json

ARM, FIGURE = "wrap_stitched", "comparison_efficiency"
MADE_BY = {"dirty": False, "source_sha256": "5" * 64, "commit": "c" * 40, "packages": {}, "noted": "by the training"}
TEXTS = {
    "file": "methods/wrap.parquet", "sha256": "7" * 64, "texts": 60, "status": {"ok": 57, "empty": 3}, "module": "wrap",
    "paper": "2401.16380", "settings": {}, "author": "llm", "generator": {"model": "hand-made"}, "read_tokens": 9000,
    "written_tokens": 4000, "flops": 3.5e12, "documents": 36, "documents_sha256": "d" * 64,
}  # fmt: skip


def stream(tokens: int, *parents: str) -> dict:
    """Facts of a stream."""
    counts = {"tokens_by_kind": {"easy": tokens}, "rows_by_kind": {"easy": 9}, "documents": 9}
    return counts | {"tokens": tokens, "rows": 9, "tokens_sha256": "a" * 64, "made_from": list(parents)}


def manifest(row: dict) -> dict:
    """Of one student of an arm, or of a control."""
    uses = {"real": {"stream": "unique", "first_tokens": row["real_tokens"], "documents": 4}}
    uses |= {"synthetic": {"stream": f"arms/{row['stream']}"}} if row["stream"] != "real" else {}
    times = {"started_at": "then", "ended_at": "later", "attempts": [], "slurm_jobs": []}
    own = {"run_id": row["run_id"]}
    return {
        "run": own,
        "outputs": {},
        "metrics": {"tokens": 9, "steps": 1},
        "made_by": MADE_BY,
        "inputs": uses,
        **times,
    }


def finished(folder: Path, shipped: bool) -> Path:
    """Pack, figure and manifests, in the places of one's own results or of shipped ones."""
    pack = arm_pack()
    inputs = {"corpus": {}, "shards": {}, "texts": {"wrap": TEXTS}}
    arms = {f"arms/{arm}": stream(2 * D, "stream methods/wrap", "documents") for arm in pack.synthetic.index}
    inputs["streams"] = arms | {"methods/wrap": stream(3 * D, "texts wrap"), "unique": stream(4 * D, "documents")}
    runs = {row["run_id"]: manifest(row) for row in pack.results.students.to_dict("records")}
    write_arm_pack(folder / ("methods" if shipped else "tables/methods"), pack)
    if shipped:
        (folder / "manifests.json.gz").write_bytes(gzip.compress(json.dumps({"inputs": inputs, "runs": runs}).encode()))
    else:
        write_json(folder / "manifests/inputs.json", inputs)
        for name, own in runs.items():
            write_json(folder / f"manifests/{name}.json", own)
    (folder / "figures").mkdir()
    return folder


def draw(folder: Path, figure: str, **columns: object) -> None:
    """The CSV of a figure with one row."""
    pd.DataFrame([{"arm": ARM, **columns}]).to_csv(folder / f"figures/{figure}.csv", index=False)


def runs_named(lines: list[str]) -> list[str]:
    """Students of a tree."""
    return [line.partition("student ")[2] for line in lines if "─ student " in line]


@pytest.mark.parametrize("shipped", [False, True])
def test_a_row_of_an_arm_leads_to_its_texts_and_documents(tmp_path, shipped):
    folder = finished(tmp_path, shipped)
    draw(folder, FIGURE, efficiency=1.5)
    lines = trace(FIGURE, folder)
    assert len(runs_named(lines)) == 3 and all(name.startswith(ARM) for name in runs_named(lines))
    wanted = [
        "mean of 3: ", f"student {ARM}", f"stream arms/{ARM}:", "stream methods/wrap:",
        "texts methods/wrap.parquet: 60 texts (57 ok, 3 empty)", "methods/wrap.py (2401.16380)",
        "author llm, hand-made: 9,000 tokens read, 4,000 written, 3.5e+12 FLOPs", "36 documents", "documents (above)",
    ]  # fmt: skip
    places = [next(i for i, line in enumerate(lines) if text in line) for text in wanted]
    assert places == sorted(places)


def test_controls_seeds_and_other_corpora_have_their_own_students(tmp_path):
    """The oracle's students differ from repetition's in their tokens alone."""
    folder = finished(tmp_path / "laptop", shipped=True)
    draw(folder, FIGURE, arm="oracle")
    assert {name.split("-")[2] for name in runs_named(trace(FIGURE, folder))} == {str(4 * D)}
    draw(folder, "comparison_ranks", panel="seeds", column="seed 1")
    assert [name[-3:] for name in runs_named(trace("comparison_ranks", folder))] == ["-s1"]
    draw(folder, "comparison_ranks", panel="corpora", column="laptop")
    assert len(runs_named(trace("comparison_ranks", folder))) == 3
    draw(folder, "comparison_ranks", panel="corpora", column="laptop_other")
    lines = trace("comparison_ranks", folder)
    assert not runs_named(lines) and "another corpus" in lines[-1]


def test_curves_of_passes_are_of_the_pack_of_methods(tmp_path):
    """Rows of the law name hyper-parameters and no arm."""
    folder = finished(tmp_path, shipped=True)
    pd.DataFrame([{"stream": ARM, "real_tokens": D}]).to_csv(folder / "figures/law_repetition.csv", index=False)
    assert len(runs_named(trace("law_repetition", folder))) == 3


def test_what_a_method_wrote_is_verified_where_the_corpus_is_not_kept(tmp_path):
    assert digests(finished(tmp_path, shipped=False))["methods/wrap.parquet"] == TEXTS["sha256"]
