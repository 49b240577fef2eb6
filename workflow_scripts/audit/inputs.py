"""What students were made of, from a stream back to documents and prompts: counts and digests of every file between.

Digests are those that the rules noted when they wrote a file; only what has none is read again.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from workflow_scripts.common.files import read_json, sha256
from workflow_scripts.corpus.documents import document_ids

ORIGIN = ("prompt_version", "prompt_sha256", "model", "model_revision", "engine", "temperature", "top_p")
METHODS = {"stitched": "rephrase", "latent": "latent_thoughts", "self_distilled": "self_distilled"}
SHUFFLED = "simple"  # its streams have the rows of the stitched ones


def inputs_of(folder: Path) -> dict:
    """Corpus, shards and streams of a folder of results, each by name."""
    shards = {path.stem: shard_facts(path) for path in sorted((folder / "generations").glob("*-*.parquet"))}
    paths = sorted((folder / "streams").glob("**/*.rows.parquet"))
    names = {path: str(path.relative_to(folder / "streams")).removesuffix(".rows.parquet") for path in paths}
    return {
        "corpus": corpus_facts(folder / "corpus"),
        "shards": shards,
        "texts": {path.stem: texts_facts(path) for path in sorted((folder / "methods").glob("*.parquet"))},
        "streams": {name: stream_facts(path, name, shards) for path, name in names.items()},
    }


def corpus_facts(folder: Path) -> dict:
    """Training documents in their order, the tokenizer, how documents were split, and what was read of each source."""
    documents = folder / "train.parquet"
    if not documents.exists():
        return {}
    table = pq.read_table(documents, columns=["doc_id", "tokens"])
    own, facts = set(table["doc_id"].to_pylist()), {"tokens": pc.sum(table["tokens"]).as_py()}
    held_out = [folder / "split/validation.parquet", folder / "split/tuning.parquet", *folder.glob("raw/*.parquet")]
    held_out = sorted(path for path in held_out if path.exists() and path.stem not in ("train", "more"))
    return {
        "documents": {**file_facts(documents, own, folder.parent), **facts},
        "held_out": {path.stem: held_out_facts(path, own, folder.parent) for path in held_out},
        "tokenizer": {"file": "corpus/tokenizer.json", "sha256": sha256(folder / "tokenizer.json")},
        "split": read_json(folder / "split/counts.json"),
        "sources": {path.stem: read_json(path) for path in sorted((folder / "raw").glob("*.json"))},
    }


def file_facts(path: Path, ids: Iterable[str], folder: Path) -> dict:
    """Place, digest and documents of a file of documents."""
    return {"file": str(path.relative_to(folder)), "sha256": sha256(path), **documents_facts(ids)}


def held_out_facts(path: Path, trained_on: set[str], folder: Path) -> dict:
    """The same, and how many of the documents are also trained on; ids end in a digest of the text."""
    ids, texts = list(document_ids(path)), {name.split("-")[-1] for name in trained_on}
    return file_facts(path, ids, folder) | {"trained_on": sum(name.split("-")[-1] in texts for name in ids)}


def shard_facts(path: Path) -> dict:
    """A shard's own record, with the model, the prompt and the sampling that its rows name."""
    record = read_json(path.with_suffix(".json"))
    facts = {"file": f"generations/{path.name}", "sha256": record.get("sha256") or sha256(path)}
    kept = {key: record[key] for key in ("method", "rows", "tokens", "flags", "seconds") if key in record}
    head = pq.ParquetFile(path)
    rows = head.read_row_group(0, columns=list(ORIGIN)).slice(0, 1).to_pylist() if head.metadata.num_rows else []
    ids = record["documents"] if isinstance(record.get("documents"), list) else []
    return facts | kept | (rows[0] if rows else {}) | documents_facts(ids) | {"ids": ids}


def texts_facts(path: Path) -> dict:
    """A method's own record, and the digest of its texts."""
    return {"file": f"methods/{path.name}", "sha256": sha256(path)} | read_json(path.with_suffix(".json"))


def stream_facts(index: Path, name: str, shards: Iterable[str]) -> dict:
    """A stream's own metadata, its documents, and by name what it was made from."""
    prefix = str(index).removesuffix(".rows.parquet")
    ids = pq.read_table(index, columns=["doc_id"])["doc_id"].unique().to_pylist()
    facts = read_json(f"{prefix}.json")
    if "sources" in facts:  # an arm of the comparison
        parents = [f"stream {source}" for source in facts["sources"]] + ["documents"] * facts["stitched"]
    else:
        parents = ["dataset"] if "released" in facts else parents_of(name, shards)
    return {**facts, **documents_facts(ids), "made_from": parents}


def parents_of(name: str, shards: Iterable[str]) -> list[str]:
    """`stream NAME`, `shard NAME`, `texts NAME`, `held out NAME` or `documents`, which a stream was made from."""
    if name.startswith("validation/"):
        return [f"held out {name.removeprefix('validation/')}"]
    if name.startswith("methods/"):
        return [f"texts {name.removeprefix('methods/')}"]
    family, _, rest = name.partition("-")
    if family.startswith(SHUFFLED):
        return [f"stream {family.replace(SHUFFLED, 'stitched', 1)}-{rest}"]
    method = next((method for start, method in METHODS.items() if family.startswith(start)), None)
    own = [f"shard {shard}" for shard in shards if method and shard.startswith(f"{method}-")]
    return own + ([] if family == "self_distilled" else ["documents"])


def documents_facts(ids: Iterable[str]) -> dict:
    """How many different documents there are, and a digest of their ids, which are digests of their texts."""
    distinct = sorted(set(ids))
    return {"documents": len(distinct), "ids_sha256": hashlib.sha256("\n".join(distinct).encode()).hexdigest()}


def documents_within(index: Path, tokens: int) -> int:
    """How many rows of a stream begin within its first tokens."""
    return int(pc.sum(pc.less(pq.read_table(index, columns=["start"])["start"], tokens)).as_py() or 0)
