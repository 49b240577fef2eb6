"""A small finished folder of results, written by the workflow's own functions where they need no training."""

import json
from pathlib import Path

import pandas as pd

from tests.workflow.conftest import SETTINGS, Corpus, run_main
from workflow_scripts.common.files import sha256, write_json
from workflow_scripts.config.runs import Run, write_runs
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.evaluation.results import Results, empty, with_halves, write_results
from workflow_scripts.evaluation.tables import COLUMNS
from workflow_scripts.megadocs import build, shuffle

REAL = Run(
    run_id="real-D100-e4-s0", stream="real", generations=0, real_tokens=100, real_epochs=4, mixing_ratio=0.0, lr=0.003,
    weight_decay=1.6, student="tiny", seed=0, cross_document_attention=True, recipe=1,
    studies="data_efficiency generation_scaling", origin="a test",
)  # fmt: skip
SIMPLE = REAL.model_copy(
    update={"run_id": "simple-G2-D100-e4-m0.75-s0", "stream": "simple", "generations": 2, "mixing_ratio": 0.75}
)
LOSSES = {REAL.run_id: 4.0, SIMPLE.run_id: 3.0}  # nats per token of every document
ATTEMPT = {
    "launch": "l", "attempt": 1, "gpus": 1, "host": "node1", "job": "17", "started_at": 1e9, "ended_at": 1e9 + 60,
    "outcome": "deadline", "message": "", "status": 75, "signalled": False, "first_step": 0, "saved_step": 5,
}  # fmt: skip
MADE_BY = {"commit": "c" * 40, "dirty": True, "source_sha256": "5" * 64, "packages": {"torch": "2.13.0"}}


def finished(folder: Path, corpus: Corpus) -> Path:
    """Two students, their streams, shards, documents, packs, figure and benchmarks, in `<folder>/results/tiny`."""
    results = folder / "results/tiny"
    write_corpus(results, corpus)
    write_streams(results, corpus)
    for run in (REAL, SIMPLE):
        write_run(results, run)
    write_runs(results / "runs.csv", [REAL, SIMPLE])
    for study in ("data_efficiency", "generation_scaling"):
        write_results(results / "tables/studies" / study, pack())
    (results / "figures").mkdir()
    rows = [["validation", "real", 0, 4.0, 3.9, 4.1], ["validation", "simple", 2, 3.0, 2.9, 3.1]]
    table = pd.DataFrame(rows, columns=["set", "stream", "generations", "loss_nats", "low", "high"])
    table.to_csv(results / "figures/generation_scaling.csv", index=False)
    return results


def write_corpus(results: Path, corpus: Corpus) -> None:
    """Documents, tokenizer, shards and what was counted."""
    for name in ("split", "raw"):
        (results / "corpus" / name).mkdir(parents=True)
    (results / "corpus/train.parquet").write_bytes(corpus.documents.read_bytes())
    (results / "corpus/tokenizer.json").write_bytes((corpus.folder / "corpus/tokenizer.json").read_bytes())
    write_documents(results / "corpus/split/validation.parquet", [document("Held out.", "train")])
    write_json(results / "corpus/split/counts.json", {"train": 5, "validation": 1, "jaccard": 0.7})
    source = {"kind": "news", "path": None, "dataset": None, "revision": None}
    write_json(results / "corpus/raw/train.json", {"source": source, "read": 9, "written": 6})
    (results / "generations").mkdir()
    for path in (Path(shard) for shards in corpus.shards.values() for shard in shards):
        (results / "generations" / path.name).write_bytes(path.read_bytes())
        record = json.loads(path.with_suffix(".json").read_text()) | {"sha256": sha256(path), "tokens": 3}
        write_json(results / "generations" / path.with_suffix(".json").name, record)


def write_streams(results: Path, corpus: Corpus) -> None:
    """Real, stitched and simple."""
    options = {"tokenizer": results / "corpus/tokenizer.json", "documents": results / "corpus/train.parquet"}
    settings = SETTINGS.model_dump_json()
    for stream, count, shards in (("real", 0, None), ("stitched", 2, corpus.shards["rephrase"])):
        name = f"{stream}-G{count}" if count else stream
        output = results / "streams" / name
        run_main(
            build.main, stream=stream, generations=count, settings=settings, shards=shards, output=output, **options
        )
    names = {"input": results / "streams/stitched-G2", "output": results / "streams/simple-G2"}
    run_main(shuffle.main, stream="simple-G2", **names)
    options["documents"] = results / "corpus/split/validation.parquet"
    output = results / "streams/validation/validation"
    run_main(build.main, stream="real", generations=0, settings=settings, shards=None, output=output, **options)


def write_run(results: Path, run: Run) -> None:
    """What a training leaves, with two attempts, the first of which ended with its job."""
    home = results / "runs" / run.run_id
    metrics = {"steps": 10, "tokens": 400, "real_tokens_seen": 100, "synthetic_tokens_seen": 300}
    metrics |= {"real_epochs_seen": 1.0, "validation_loss_nats": LOSSES[run.run_id]}
    write_json(home / "metrics.json", metrics)
    write_json(home / "throughput.json", {"torch": "2.13.0", "device": "cpu"})
    write_json(home / "model/config.json", {})
    second = ATTEMPT | {"job": "18", "started_at": 1e9 + 90, "ended_at": 1e9 + 120, "outcome": "finished"}
    lines = [json.dumps(ATTEMPT), json.dumps(second | {"first_step": None, "made_by": MADE_BY})]
    (results / "attempts").mkdir(exist_ok=True)
    (results / "attempts" / f"{run.run_id}.jsonl").write_text("\n".join(lines) + "\n")
    benchmark = results / "benchmarks/train_student" / f"{run.run_id}.tsv"
    benchmark.parent.mkdir(parents=True, exist_ok=True)
    benchmark.write_text("s\th:m:s\tmax_rss\n30\t0:00:30\t200.5\n")


def pack() -> Results:
    """Losses of both students on two documents of 10 and 30 predicted tokens."""
    seen = dict.fromkeys(COLUMNS["students"], 1)
    students = pd.DataFrame([seen | run.model_dump() for run in (REAL, SIMPLE)])
    rows = [
        {
            "run_id": run,
            "set": "validation",
            "doc_id": name,
            "tokens": n + 1,
            "predicted_tokens": n,
            "loss_sum_nats": n * loss,
        }
        for run, loss in LOSSES.items()
        for name, n in (("a", 10), ("b", 30))
    ]
    return Results(students, with_halves(pd.DataFrame(rows)), empty("ensembles"), empty("downstream"))
