"""The tree below a figure of SynPro: tables -> students -> states and sets that they had -> generators -> students."""

from pathlib import Path

import pandas as pd

from workflow_scripts.audit.lineage import short
from workflow_scripts.audit.tree import Node
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, sha256

PLACES = {"synpro/manifest.json": "tables/synpro", "synpro_manifest.json": "synpro"}  # own results, shipped ones


def synpro_nodes(figure: str, head: list[str], folder: Path) -> dict[str, Node]:
    """Nodes by name, the figure's own called `figure`. Raises UserError where the manifest is missing."""
    found = {folder / manifest: folder / tables for manifest, tables in PLACES.items() if (folder / manifest).exists()}
    if not found:
        raise UserError(f"{folder}: no manifest of SynPro; `snakemake {folder}/synpro/manifest.json` writes it")
    (path, tables), *_ = found.items()
    manifest, nodes = read_json(path), {}
    for name, own in manifest["pretrainings"].items():
        nodes[f"student {name}"] = student_node(name, own)
    for name, own in manifest["sets"].items():
        nodes[f"set {name}"] = set_node(name, own)
    for name, own in manifest["generators"].items():
        nodes[f"generator {name}"] = generator_node(name, own)
    students = [f"student {name}" for name in manifest["pretrainings"]]
    for table in sorted(tables.glob("*.csv")):
        lines = [f"{table}: {len(pd.read_csv(table))} rows, sha256 {short(sha256(table))}"]
        nodes[f"table {table.stem}"] = Node(lines, students if table.stem == "parts" else [])
    nodes["figure"] = Node(head, [name for name in nodes if name.startswith("table ")])
    return nodes


def student_node(name: str, own: dict) -> Node:
    """A pretraining of one seed."""
    settings, metrics = own["settings"], own["metrics"]
    code = own["made_by"] or {}
    lines = [f"student {name}: {settings['role']}, {metrics['steps']:,} steps, {metrics['tokens']:,} tokens"]
    lines.append(f"plateau.safetensors {short(own['outputs']['plateau.safetensors']['sha256'])}; "
                 f"code {short(code.get('source_sha256') or 'not noted')}")  # fmt: skip
    seed = name.rpartition("-s")[2]
    start = [f"student {settings['start']}-s{seed}"] if settings["start"] else []
    return Node(lines, start + [f"set {one}" for one in settings["sets"]])


def set_node(name: str, own: dict) -> Node:
    """A synthetic set: its texts, the prompt, and who wrote them."""
    stream, settings = own["stream"], own["settings"]
    lines = [f"set {name}: {stream['tokens']:,} tokens, sha256 {short(stream['tokens_sha256'])}"]
    for shard in own["shards"].values():
        lines.append(f"shard {shard['file']}, {shard['rows']} texts, {short(shard['sha256'])}; prompt "
                     f"{shard.get('prompt_version')} {short(shard.get('prompt_sha256') or '')}")  # fmt: skip
    below = [f"set {settings['stitches']}"] if settings["stitches"] else []
    return Node(lines, below + ([f"generator {name}"] if settings["rewards"] else []))


def generator_node(name: str, own: dict) -> Node:
    """A generator's training, and the student that judged influence."""
    weights = own["outputs"]["model/model.safetensors"]["sha256"]
    lines = [f"generator {name}: {own['metrics']['steps']} steps of GRPO, weights {short(weights)}"]
    judge = own["students"]
    return Node(lines, [f"student {judge['pretraining']}-s{judge['seed']}"] if judge else [])
