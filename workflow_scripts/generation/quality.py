"""Quality of the generations as a report: lengths, copies, refusals, preambles, factual drift, samples side by side.

Nothing is judged by a model: every number is a count that `quality_measures` defines. Of a large corpus, a sample of
documents by a named hash is looked at, with all their generations.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json, write_text
from workflow_scripts.common.progress import progress
from workflow_scripts.common.seeds import named_hash, named_seed
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.generation.quality_card import SHARES, card_text
from workflow_scripts.generation.quality_measures import sibling_measures, text_measures
from workflow_scripts.generation.shards import read_rows, verify_shard

QUANTILES = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]
SAMPLES = 3
Group = dict[tuple[str, str], list[dict]]  # rows by method and document


def sampled(doc_ids: Iterable[str], limit: int) -> set[str]:
    """At most `limit` documents, always the same ones."""
    return set(sorted(set(doc_ids), key=lambda doc_id: named_hash("quality", doc_id))[:limit])


def read_groups(shards: list[str], limit: int) -> Group:
    """Generations of the sampled documents by method and document, in order. Raises UserError when a shard is bad."""
    wanted = sampled((doc_id for shard in shards for doc_id in verify_shard(shard)["documents"]), limit)
    groups: Group = defaultdict(list)
    for shard in shards:
        for row in read_rows(shard):
            if row["doc_id"] in wanted:
                groups[row["method"], row["doc_id"]].append(row)
    return groups


def sources_of(path: str, groups: Group) -> dict[str, str]:
    """Text of every document that has generations. Raises UserError when one is not among the documents."""
    wanted = {doc_id for _, doc_id in groups}
    texts = {row["doc_id"]: row["text"] for row in read_documents(path) if row["doc_id"] in wanted}
    if missing := sorted(wanted - set(texts)):
        raise UserError(f"{path}: {missing[0]} has generations and is not among these documents; name theirs")
    return texts


def measure(groups: Group, texts: dict[str, str]) -> dict[str, list[dict]]:
    """By method: a record per document, with the measures of each of its texts and of all together."""
    found = defaultdict(list)
    with progress(len(groups), "measuring generations", "documents") as bar:
        for (method, doc_id), rows in groups.items():
            each = [text_measures(row, texts[doc_id]) for row in rows]
            found[method].append({"texts": each, **sibling_measures([row["text"] for row in rows])})
            bar.update()
    return dict(found)


def summary(documents: list[dict]) -> dict:
    """Counts and shares over all texts of some documents."""
    texts = [text for document in documents for text in document["texts"]]
    return {
        "documents": len(documents),
        "texts": len(texts),
        "tokens_mean": _mean(text["tokens"] for text in texts),
        "tokens_quantiles": _quantiles(text["tokens"] for text in texts),
        "length_ratio_mean": _mean(text["length_ratio"] for text in texts),
        "length_ratio_quantiles": _quantiles(text["length_ratio"] for text in texts),
        **{name: _mean(text[name] for text in texts) for name in SHARES},
        "copied_share_mean": _mean(text["copied_share"] for text in texts),
        "near_copy_of_sibling": sum(document["near_copies"] for document in documents) / len(texts),
        "distinct_3": _mean(document["distinct_3"] for document in documents),
        **{f"invented_{kind}": _absent(texts, "invented", kind) for kind in ("numbers", "names")},
        **{f"lost_{kind}": _absent(texts, "lost", kind) for kind in ("numbers", "names")},
    }


def _absent(texts: list[dict], direction: str, kind: str) -> dict:
    """Share of all facts that are absent, and of the texts with at least one absent."""
    counts = [text[direction][kind] for text in texts]
    missing, facts = (sum(count[place] for count in counts) for place in (0, 1))
    return {"facts": facts, "share": missing / max(facts, 1), "texts_with_one": _mean(count[0] > 0 for count in counts)}


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _quantiles(values: Iterable[float]) -> list[float]:
    return [round(float(q), 3) for q in np.quantile(list(values), QUANTILES)]


def samples(groups: Group, texts: dict[str, str]) -> list[dict]:
    """A few documents per method, each with one generation, chosen by a named seed."""
    chosen = []
    for method in sorted({method for method, _ in groups}):
        for doc_id in sorted(sampled((doc for own, doc in groups if own == method), SAMPLES)):
            rows = groups[method, doc_id]
            row = rows[named_seed("quality-sample", method, doc_id) % len(rows)]
            place = row["boundary"] or row["generation"]
            shown = {"source": texts[doc_id], "text": row["text"], "flags": row["flags"]}
            chosen.append({"method": method, "doc_id": doc_id, "generation": place, **shown})
    return chosen


def main(arguments: argparse.Namespace) -> None:
    """Write the report as JSON and as a card."""
    groups = read_groups(arguments.shards, arguments.documents)
    if not groups:
        raise UserError(f"{Path(arguments.shards[0]).parent}: the shards hold no generations")
    texts = sources_of(arguments.sources, groups)
    found = measure(groups, texts)
    report = {
        "methods": {method: summary(documents) for method, documents in sorted(found.items())},
        "all": summary([document for documents in found.values() for document in documents]),
        "samples": samples(groups, texts),
    }
    write_json(arguments.json, report)
    write_text(arguments.output, card_text(report))
    for method, row in report["methods"].items():
        shares = ", ".join(f"{name.replace('_', ' ')} {row[name]:.1%}" for name in SHARES)
        print(f"{method}: {row['texts']:,} texts of {row['documents']:,} documents; {shares}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", nargs="+", required=True, help="generation shards (Parquet)")
    parser.add_argument("--sources", required=True, help="the documents that they were written from (Parquet)")
    parser.add_argument("--documents", type=int, default=1000, help="most documents to look at (default: %(default)s)")
    parser.add_argument("--output", required=True, help="card (Markdown)")
    parser.add_argument("--json", required=True, help="its numbers (JSON)")
    run_command(main, parser)
