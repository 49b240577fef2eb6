"""Dataset card: what was generated, by which model, from which prompts, with counts, flags and lengths."""

import argparse
from collections import Counter

import numpy as np

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_json, write_text
from workflow_scripts.generation.prompts import load_template
from workflow_scripts.generation.shards import read_rows


def summary(rows: list[dict], records: list[dict]) -> dict:
    """Counts of one method: documents, generations, tokens, flags, lengths, speed."""
    tokens = np.array([row["tokens"] for row in rows])
    seconds, start_seconds = (sum(record[key] for record in records) for key in ("seconds", "engine_start_seconds"))
    first = rows[0]
    shared = ("method", "prompt_version", "prompt_sha256", "model", "model_revision", "engine", "temperature", "top_p")
    return {
        **{key: first[key] for key in shared},
        "documents": len({row["doc_id"] for row in rows}),
        "generations": len(rows),
        "tokens": int(tokens.sum()),
        "tokens_quantiles_5_50_95": [float(q) for q in np.quantile(tokens, [0.05, 0.5, 0.95])],
        "prompt_tokens": sum(row["prompt_tokens"] for row in rows),
        "flags": dict(Counter(flag for row in rows for flag in row["flags"])),
        "asked_again": sum(row["attempt"] > 0 for row in rows),
        "sources_cut": sum(row["source_cut"] for row in rows),
        "distinct_texts": len({row["text"] for row in rows}),
        "engine_seconds": round(seconds, 1),
        "engine_start_seconds": round(start_seconds, 1),
        "engine_start_share": round(start_seconds / max(start_seconds + seconds, 1e-9), 3),
        "tokens_per_second": round(float(tokens.sum()) / seconds, 1) if seconds else None,
        "examples": [row["text"] for row in rows[:2]],
    }


def card_text(methods: dict[str, dict]) -> str:
    """The card as Markdown."""
    parts = ["# Generated text\n", "Lengths are in the generator's tokens. Flagged texts are kept in the shards.\n"]
    for name, found in methods.items():
        prompt = load_template(found["prompt_version"])
        facts = {key: value for key, value in found.items() if key not in ("examples", "method")}
        parts += [f"## {name}\n", *(f"- {key.replace('_', ' ')}: {value}" for key, value in facts.items())]
        parts += ["\nSystem prompt:\n", _quoted(prompt.system), "\nPrompt:\n", _quoted(prompt.user)]
        parts += [line for text in found["examples"] for line in ("\nExample:\n", _quoted(text))]
        parts.append("")
    return "\n".join(parts)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def main(arguments: argparse.Namespace) -> None:
    """Write the card and its numbers."""
    rows: dict[str, list[dict]] = {}
    records: dict[str, list[dict]] = {}
    for path in arguments.shards:
        record = read_json(path.replace(".parquet", ".json"))
        rows.setdefault(record["method"], []).extend(read_rows(path))
        records.setdefault(record["method"], []).append(record)
    methods = {name: summary(found, records[name]) for name, found in rows.items() if found}
    write_json(arguments.json, methods)
    write_text(arguments.output, card_text(methods))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", nargs="+", required=True, help="generation shards (Parquet)")
    parser.add_argument("--output", required=True, help="card (Markdown)")
    parser.add_argument("--json", required=True, help="its numbers (JSON)")
    run_command(main, parser)
