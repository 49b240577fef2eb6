# Which files and options a job gets: functions of its wildcards.
METHODS = list(scale.generation.max_new_tokens)
GENERATION = scale.generation.model_dump_json(
    exclude={"streams", "drop_flags", "think_open", "think_close", "server"}  # what changes no text re-runs nothing
)
PACKAGED_LLM = LLM.model.removeprefix("package:") if LLM.model.startswith("package:") else None
SHUFFLED = {"simple": "stitched", "simple_no_real": "stitched_no_real"}  # the same rows, shuffled
FIGURES = {
    "generation_scaling": "Loss against generations per document",
    "data_efficiency": "Baseline law and data efficiency",
    "context_length": "Short and long documents",
}


def server_file():
    """JSON that names the vLLM server of generation jobs: the user's own, or the service's; none without a server."""
    if scale.generation.engine != "vllm-server":
        return []
    own = scale.generation.server
    return ancient(own) if own else "<results>/generations/server.json"


SERVER = server_file()


def package_files(wildcards):
    """The data package of a source, if it is a packaged one."""
    package = package_of(SOURCES[wildcards.source])
    return [f"results/packages/{package}.whl"] if package else []


def shards(method):
    """All shards of a method, in document order."""
    jobs, parts = range(scale.generation.jobs), range(scale.generation.shards_per_job)
    return expand("<results>/generations/{method}-{job}.{part}.parquet", method=method, job=jobs, part=parts)


def validation_documents(wildcards):
    """Held-out part of the split, or a source of its own."""
    folder = "split" if wildcards.set in ("validation", "tuning") else "raw"
    return f"<results>/corpus/{folder}/{wildcards.set}.parquet"


def synthetic_stream(wildcards):
    """The synthetic stream of a run, if it has one."""
    if wildcards.run not in ALL_RUNS:
        raise WorkflowError(f"no student is called {wildcards.run}; {RESULTS}/runs.csv names them")
    run = ALL_RUNS[wildcards.run]
    return [] if run.stream == "real" else stream(f"<results>/streams/{run.stream}-G{run.generations}")


def training_options(wildcards, input):
    """Command-line options of one row of the run table."""
    run = ALL_RUNS[wildcards.run]
    options = f"--real-tokens {run.real_tokens} --real-epochs {run.real_epochs} --mixing-ratio {run.mixing_ratio}"
    options += f" --lr {run.lr} --weight-decay {run.weight_decay} --seed {run.seed}"
    return options + (f" --synthetic {input.synthetic[2].removesuffix('.json')}" if input.synthetic else "")


def training_settings(run):
    """The shared recipe with what the row sets: attention and recipe version; seeds are the row's own."""
    row = {"cross_document_attention": run.cross_document_attention, "recipe": run.recipe, "seeds": [0]}
    return scale.training.model_copy(update=row).model_dump_json()


def figure_files():
    """PDF of every figure; PNG and CSV come with it."""
    return expand("<results>/figures/{figure}.pdf", figure=FIGURES)
