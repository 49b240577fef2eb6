"""Students and all that they were made of as nodes of a tree: streams, shards, prompts, documents, data packages."""

from workflow_scripts.audit.inputs import documents_facts
from workflow_scripts.audit.tree import Node
from workflow_scripts.common.files import sha256
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.common.source import ROOT
from workflow_scripts.corpus.packaged import PACKAGE_OF_KIND
from workflow_scripts.generation.prompts import FOLDER


def lineage(manifests: dict) -> dict[str, Node]:
    """Nodes by name: `student ID`, `stream NAME`, `shard NAME`, `prompt VERSION`, `held out NAME`, `documents` ...

    What a node is made of and nobody kept facts of is a node that says so.
    """
    inputs = manifests["inputs"]
    shards = inputs["shards"]
    nodes = {f"student {name}": student_node(manifest) for name, manifest in manifests["runs"].items()}
    nodes |= {f"stream {name}": stream_node(name, facts, shards) for name, facts in inputs["streams"].items()}
    nodes |= {f"shard {name}": shard_node(name, facts) for name, facts in shards.items()}
    nodes |= {f"texts {name}": texts_node(name, facts) for name, facts in inputs.get("texts", {}).items()}
    nodes |= {prompt_name(facts): prompt_node(facts) for facts in shards.values() if "prompt_version" in facts}
    nodes |= corpus_nodes(inputs)
    absent = {name for node in nodes.values() for name in node.below} - set(nodes)
    return nodes | {name: Node([f"{name}: not here"]) for name in absent}


def student_node(manifest: dict) -> Node:
    """When, with what code and from how much of which streams it was trained."""
    metrics, made, uses = manifest["metrics"], manifest["made_by"], manifest["inputs"]
    seen = {kind: metrics.get(f"{kind}_tokens_seen", 0) for kind in ("real", "synthetic")}
    jobs = f", SLURM job {', '.join(manifest['slurm_jobs'])}" if manifest["slurm_jobs"] else ""
    state = {None: "", True: " with changes", False: ""}[made["dirty"]]
    lines = [
        f"student {manifest['run']['run_id']}",
        f"{metrics['tokens']:,} tokens in {metrics['steps']:,} steps = {seen['real']:,} of the real stream + "
        f"{seen['synthetic']:,} of the synthetic one",
        f"{manifest['started_at']} to {manifest['ended_at']}, attempts noted: {len(manifest['attempts'])}{jobs}",
        f"code {short(made['source_sha256'])} of commit {short(made['commit'])}{state}, torch "
        f"{made['packages'].get('torch', 'unknown')} (noted {made['noted']})",
    ]
    for kind, use in uses.items():
        first = (
            f"the first {use['first_tokens']:,} tokens ({use['documents']:,} documents) of "
            if "first_tokens" in use
            else ""
        )
        passes = metrics.get(f"{kind}_epochs_seen")
        lines.append(f"{kind}: {first}stream {use['stream']}" + (f", {passes:.3g} times" if passes else ""))
    return Node(lines, [f"stream {use['stream']}" for use in uses.values()])


def stream_node(name: str, facts: dict, shards: dict) -> Node:
    """Its tokens by kind, and whether its documents are those of the shards."""
    kinds = " + ".join(f"{count:,} {kind}" for kind, count in facts["tokens_by_kind"].items())
    rows = " + ".join(f"{count:,} {kind}" for kind, count in facts["rows_by_kind"].items())
    lines = [
        f"stream {name}: {facts['tokens']:,} tokens in {facts['rows']:,} rows, sha256 {short(facts['tokens_sha256'])}",
        f"tokens = {kinds}; rows = {rows}",
    ]
    own = [shards[parent.removeprefix("shard ")] for parent in facts["made_from"] if parent.startswith("shard ")]
    ids = [name for shard in own for name in shard["ids"]]
    if ids:
        same = documents_facts(ids)["ids_sha256"] == facts["ids_sha256"]
        word = "the same ids as" if same else "NOT the ids of"
        lines.append(f"{facts['documents']:,} documents, {word} its {len(own)} shards' {len(set(ids)):,}")
    return Node(lines, facts["made_from"])


def shard_node(name: str, facts: dict) -> Node:
    """How many texts of which documents, by which model and sampling."""
    lines = [f"shard {name}: {facts['rows']:,} texts, {facts['tokens']:,} tokens, sha256 {short(facts['sha256'])}"]
    if "prompt_version" not in facts:
        return Node(lines)
    sampling = f"temperature {facts['temperature']:g}, top_p {facts['top_p']:g}"
    origin = pinned(facts["model"].removeprefix("package:"), facts["model_revision"])
    lines.append(f"{facts['model']} {origin}, {facts['engine']}, {sampling}")
    if facts["ids"]:
        lines.append(f"{facts['documents']:,} documents: {', '.join(facts['ids'][:2])} ... {facts['ids'][-1]}")
    if "/runs/" in facts["model"]:  # a student's own text
        return Node(lines, [f"student {facts['model'].split('/runs/')[1].partition('/')[0]}"])
    return Node(lines, [prompt_name(facts), "documents"])


def texts_node(name: str, facts: dict) -> Node:
    """A method's texts: its module, who wrote, how many can be used, of which documents, and what it cost."""
    statuses = ", ".join(f"{count:,} {status}" for status, count in facts["status"].items())
    lines = [
        f"texts {facts['file']}: {facts['texts']:,} texts ({statuses}), sha256 {short(facts['sha256'])}",
        f"workflow_scripts/methods/{facts['module']}.py ({facts['paper']}) with {facts['settings'] or 'no settings'}",
        f"author {facts['author']}, {facts['generator']['model']}: {facts['read_tokens']:,} tokens read, "
        f"{facts['written_tokens']:,} written, {facts['flops']:.3g} FLOPs",
        f"of {facts['documents']:,} documents, sha256 {short(facts['documents_sha256'])}",
    ]
    return Node(lines, ["documents"])


def prompt_name(facts: dict) -> str:
    """Name of a prompt's node."""
    return f"prompt {facts['prompt_version']} {short(facts['prompt_sha256'])}"


def prompt_node(facts: dict) -> Node:
    """A prompt's file and digest."""
    path = FOLDER / f"{facts['prompt_version']}.txt"
    same = path.exists() and sha256(path) == facts["prompt_sha256"]
    state = "as it is here" if same else "NOT as it is here"
    return Node([f"prompt {path.relative_to(ROOT)}, {state}, sha256 {facts['prompt_sha256']}"])


def corpus_nodes(inputs: dict) -> dict[str, Node]:
    """Training documents, held-out ones, what was read of each source, and the packages that it came in."""
    corpus = inputs["corpus"]
    if not corpus:
        return {"documents": Node(["documents: not here"])}
    own, sources, split = corpus["documents"], corpus["sources"], corpus["split"]
    text = f"{own['file']}: {own['documents']:,} documents, {own['tokens']:,} tokens, sha256 {own['sha256']}"
    counts = ", ".join(f"{name} {count:,}" for name, count in split.items() if isinstance(count, int))
    nodes = {"documents": Node([f"documents {text}", f"split: {counts}"], ["source train"])}
    for name, facts in corpus["held_out"].items():
        text = f"{facts['documents']:,} documents, {facts['trained_on']} of them trained on, sha256 {facts['sha256']}"
        source = f"source {name if name in sources else 'train'}"
        nodes[f"held out {name}"] = Node([f"held out {facts['file']}: {text}"], [source])
    for name, facts in sources.items():
        counts = ", ".join(f"{key} {count:,}" for key, count in facts.items() if isinstance(count, int))
        place = facts["source"]["dataset"] or facts["source"]["path"] or facts["source"]["kind"]
        package = pinned(PACKAGE_OF_KIND.get(facts["source"]["kind"]), facts["source"]["revision"])
        nodes[f"source {name}"] = Node([f"source {name}: {place} {package}; documents: {counts}"])
    return nodes | {"dataset": Node(["released by the paper's authors; no shards of ours"])}


def pinned(package: str | None, revision: str | None) -> str:
    """The data package that something came in, with its digest; else its revision."""
    if package not in PACKAGES:
        return f"({revision or 'no revision'})"
    return f"({PACKAGES[package].requirement}, sha256 {short(PACKAGES[package].sha256)})"


def short(digest: str | None) -> str:
    """First digits of a digest."""
    return digest[:12] if digest else "unknown"
