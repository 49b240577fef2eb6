"""What a scale reads from the Hugging Face hub: each repository by the name of the file that records its snapshot."""

from pathlib import Path

from workflow_scripts.config.models import Config, Scale, Source


def repositories_of(config: Config) -> dict[str, str]:
    """`kind:id@revision` by name: `llm`, `tokenizer`, `source-<name>`, and released streams by theirs.

    A source that is read only up to a number of documents is of kind `stream`: it is never downloaded whole.
    """
    scale = config.scales[config.scale]
    llm, tokenizer = config.llms[scale.generation.llm], scale.corpus.tokenizer
    found = {}
    if scale.generation.source == "ours" and not llm.model.startswith("package:") and not Path(llm.model).exists():
        found["llm"] = f"model:{llm.model}@{llm.revision}"
    if tokenizer.kind == "hub":
        found["tokenizer"] = f"tokenizer:{tokenizer.name}@{tokenizer.revision}"
    released = scale.generation.released if scale.generation.source == "released" else {}
    for name, place in ({f"source-{n}": s for n, s in sources_of(scale).items()} | released).items():
        if place.kind == "hub":
            kind = "stream" if getattr(place, "stop_after", None) else "dataset"
            found[name] = f"{kind}:{place.dataset}@{place.revision}"
    return found


def sources_of(scale: Scale) -> dict[str, Source]:
    """Every source of real documents of a scale, by name."""
    corpus = scale.corpus
    named = {
        "train": corpus.train,
        "more": corpus.more,
        "validation": corpus.validation,
        "short": corpus.validation_short,
        "long": corpus.validation_long,
    }
    return {name: source for name, source in (named | corpus.out_of_distribution).items() if source}
