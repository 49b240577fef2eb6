"""What a scale reads from the Hugging Face hub: each repository by the name of the file that records its snapshot."""

from pathlib import Path

from workflow_scripts.config.corpus import Source
from workflow_scripts.config.models import Config, Scale


def repositories_of(config: Config) -> dict[str, str]:
    """`kind:id@revision` by name: `llm`, `llm-<name>`, `dataman`, `judge`, `tokenizer`, `source-<name>`, and streams.

    Released streams are called as they are.

    A source that is read only up to a number of documents is of kind `stream`: it is never downloaded whole.
    """
    scale = config.scales[config.scale]
    tokenizer, llms = scale.corpus.tokenizer, {}
    if scale.generation.source == "ours":
        llms["llm"] = config.llms[scale.generation.llm]
    for name in filter(None, (config.kinds[kind].llm for kind in (scale.mixtures.kinds if scale.mixtures else []))):
        llms[f"llm-{name}"] = config.llms[name]
    synpro = scale.synpro
    if synpro and synpro.llm:
        llms[f"llm-{synpro.llm}"] = config.llms[synpro.llm]
    hub = {name: llm for name, llm in llms.items() if not llm.package and not Path(llm.model).exists()}
    found = {name: f"model:{llm.model}@{llm.revision}" for name, llm in hub.items()}
    judges = {name: getattr(synpro.reinforcement, name) for name in ("dataman", "judge")} if synpro else {}
    found |= {name: f"model:{place}@main" for name, place in judges.items() if place and not Path(place).exists()}
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
        "natural": scale.mixtures.natural if scale.mixtures else None,
    }
    return {name: source for name, source in (named | corpus.out_of_distribution).items() if source}
