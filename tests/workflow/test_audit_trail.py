"""Manifests, trace, what is shipped and whether it is whole."""

import csv
import shutil
from pathlib import Path

import pytest

from tests.workflow.arm_packs import arm_pack, write_arm_pack
from tests.workflow.conftest import ROOT, run_module
from tests.workflow.results_folder import REAL, SIMPLE, finished
from workflow_scripts.audit.manifest import gather, read_manifests
from workflow_scripts.audit.ship import ship
from workflow_scripts.audit.shipped import write_list
from workflow_scripts.audit.trace import trace
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, sha256, write_json
from workflow_scripts.common.source import source_files, source_sha256
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.evaluation.results import read_results


@pytest.fixture(scope="module")
def results(tmp_path_factory, corpus) -> Path:
    """A finished folder; tests only read it."""
    return finished(tmp_path_factory.mktemp("audit"), corpus)


@pytest.fixture
def shipped(tmp_path, results) -> Path:
    """The same as it is shipped, with the list of it, in a folder of the test's own."""
    ship(results, tmp_path / "results/shipped/tiny")
    write_list(tmp_path / "results/shipped")
    return tmp_path / "results/shipped/tiny"


def verified(folder: Path) -> tuple[int, str]:
    """Exit status and messages of the command in a folder that has results/shipped."""
    result = run_module("workflow_scripts.audit.verify", cwd=folder)
    return result.returncode, result.stdout + result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_manifest_tells_attempts_code_and_every_digest(results):
    """SLURM jobs of both attempts, the code that the last one noted, outputs and streams with their digests."""
    found = gather(results, [REAL, SIMPLE])
    manifest, inputs = found["runs"][SIMPLE.run_id], found["inputs"]
    assert manifest["slurm_jobs"] == ["17", "18"] and manifest["made_by"]["noted"] == "by the training"
    assert (manifest["started_at"], manifest["ended_at"]) == ("2001-09-09T01:46:40+00:00", "2001-09-09T01:48:40+00:00")
    assert [attempt["saved_step"] for attempt in manifest["attempts"]] == [5, 5]
    name = f"runs/{SIMPLE.run_id}/metrics.json"
    assert manifest["outputs"][name]["sha256"] == sha256(results / name)
    assert manifest["inputs"]["synthetic"] == {"stream": "simple-G2"}
    stitched, shard = inputs["streams"]["stitched-G2"], inputs["shards"]["rephrase-0.0"]
    assert inputs["streams"]["simple-G2"]["made_from"] == ["stream stitched-G2"]
    assert stitched["made_from"] == ["shard rephrase-0.0", "shard rephrase-0.1", "documents"]
    assert stitched["ids_sha256"] == inputs["corpus"]["documents"]["ids_sha256"] and stitched["documents"] == 5
    assert (shard["documents"], shard["sha256"]) == (3, sha256(results / "generations/rephrase-0.0.parquet"))


def test_trace_goes_from_a_number_to_documents_and_prompts(results, shipped):
    """From own results and from shipped ones: each line hangs below the one that it explains."""
    for folder in (results, shipped):
        lines = trace("generation_scaling", folder, row=3)
        wanted = [
            "row 3: ", "mean of 1: 3 nats per token, the row's loss_nats", "3.0000 nats per token = 120.0 nats / 40 ",
            f"student {SIMPLE.run_id}", "stream simple-G2:", "stream stitched-G2:", "the same ids as its 2 shards' 5",
            "shard rephrase-0.0:", "prompt workflow_scripts",
        ]  # fmt: skip
        places = [next(i for i, line in enumerate(lines) if text in line) for text in wanted]
        depths = [len(lines[place]) - len(lines[place].lstrip("│├└─ ")) for place in places]
        assert places == sorted(places)
        assert depths[0] < depths[2] < depths[3] < depths[4] < depths[5] < depths[7] < depths[8]
        assert "documents (above)" in lines[places[-1] + 1]
        assert any("documents corpus/train.parquet: 5 documents" in line for line in lines)
    assert not any(REAL.run_id in line for line in lines)


def test_trace_names_what_is_missing(results, tmp_path):
    """Figure, row, file."""
    with pytest.raises(UserError, match="generation_skaling: no such figure; they are construction"):
        trace("generation_skaling", results)
    with pytest.raises(UserError, match="--row 4: .* has the rows 2 to 3"):
        trace("generation_scaling", results, row=4)
    with pytest.raises(UserError, match="ordering.csv: no such file"):
        trace("ordering", results)
    shutil.copytree(results / "figures", tmp_path / "figures")
    with pytest.raises(UserError, match="tables/studies/generation_scaling/students.csv: no such file"):
        trace("generation_scaling", tmp_path)


def test_shipping_twice_gives_the_same_bytes_and_no_text(results, shipped, tmp_path):
    """Every file; and no shipped file holds the text of a document or a generation."""
    (results / "tables/examples.md").write_text("Rephrase 0 of document 0, as a person reads it\n")
    ship(results, tmp_path / "again/tiny")
    assert (tmp_path / "again/tiny/students.csv").exists() and not list(tmp_path.rglob("examples*"))
    names = sorted(path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file())
    assert Path("manifests.json.gz") in names and Path("figures/generation_scaling.csv") in names
    for name in names:
        assert (shipped / name).read_bytes() == (tmp_path / "again/tiny" / name).read_bytes(), name
        assert b"Rephrase 0 of document" not in (shipped / name).read_bytes()
    with open(shipped / "streams.csv", newline="") as handle:
        streams = {row["stream"]: row for row in csv.DictReader(handle)}
    assert streams["simple-G2"]["tokens"] == streams["stitched-G2"]["tokens"]
    assert read_manifests(shipped)["runs"].keys() == {REAL.run_id, SIMPLE.run_id}


def test_adding_a_comparison_to_what_is_shipped_keeps_all_of_it(results, shipped, tmp_path):
    """Made where none of the shipped students exists; refused, and nothing touched, when a common stream differs."""
    kept = contents(shipped)
    del kept["manifests.json.gz"]  # which gets lines of what is added
    own = shutil.copytree(results, tmp_path / "tiny")
    for folder in ("tables/studies", "runs", "figures"):
        shutil.rmtree(own / folder)
    write_arm_pack(own / "tables/methods", arm_pack())
    write_documents(own / "comparison/documents.parquet", [document("A text that stays at home.", "train")])
    write_json(own / "comparison/comparison.json", {"arms": 1})
    ship(own, shipped, add=True)
    assert [path.name for path in (shipped / "comparison").iterdir()] == ["comparison.json"]  # no text
    assert kept.items() <= contents(shipped).items()
    added = read_results(shipped / "methods").students
    assert {"simple", "wrap_stitched"} <= set(added.stream) and (shipped / "methods/arms.csv").exists()
    assert read_manifests(shipped)["runs"].keys() == {REAL.run_id, SIMPLE.run_id}
    before = contents(shipped)
    record = own / "streams/simple-G2.json"
    write_json(record, read_json(record) | {"tokens_sha256": "0" * 64})
    with pytest.raises(UserError, match="its stream simple-G2 has other tokens than the one to add"):
        ship(own, shipped, add=True)
    assert contents(shipped) == before


def test_verify_names_the_file_what_was_expected_and_what_is_there(shipped, tmp_path):
    """A changed, a missing and an additional file; whole again, it ends with 0."""
    status, text = verified(tmp_path)
    assert status == 0 and "0 differ" in text
    table, before = shipped / "streams.csv", (shipped / "streams.csv").read_bytes()
    table.write_bytes(before + before.splitlines(keepends=True)[-1])
    status, text = verified(tmp_path)
    assert status == 1 and "streams.csv: rows: expected 4, found 5" in text and "1 differ" in text
    table.unlink()
    (shipped / "more.csv").write_text("a\n1\n")
    (shipped / "losses.parquet").write_bytes(b"no table")
    status, text = verified(tmp_path)
    assert status == 1 and "streams.csv: expected here, found nothing" in text
    assert "more.csv: found, but not in manifest.json" in text
    assert "losses.parquet: rows: expected 8, found unreadable" in text


def test_verify_compares_own_results_with_their_manifests(results, tmp_path):
    """One token of a stream changed after the manifests were written."""
    own = shutil.copytree(results, tmp_path / "tiny")
    found = gather(own, [REAL, SIMPLE])
    write_json(own / "manifests/inputs.json", found["inputs"])
    for name, manifest in found["runs"].items():
        write_json(own / f"manifests/{name}.json", manifest)
    command = ("workflow_scripts.audit.verify", "--folder", own)
    assert run_module(*command, cwd=tmp_path).returncode == 0
    tokens = own / "streams/simple-G2.tokens.bin"
    tokens.write_bytes(bytes([tokens.read_bytes()[0] ^ 1]) + tokens.read_bytes()[1:])
    result = run_module(*command, cwd=tmp_path)
    assert result.returncode == 1 and "simple-G2.tokens.bin: sha256: expected" in result.stderr


def test_source_digest_covers_what_is_imported_and_no_more(monkeypatch):
    """The trainer's model and kernels count; figures and the launcher's callers don't."""
    files = {path.relative_to(ROOT).as_posix() for path in source_files("workflow_scripts.training.train")}
    assert {"workflow_scripts/training/model.py", "workflow_scripts/training/cpu_kernels.cpp"} <= files
    assert {"workflow_scripts/megadocs/tokens.py", "workflow_scripts/config/models.py"} <= files
    assert not any("figures" in name or "planning" in name for name in files)
    before = source_sha256("workflow_scripts.training.train")
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"changed")
    assert source_sha256("workflow_scripts.training.train") != before
