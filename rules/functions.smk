# Which files and options a job gets: functions of its wildcards.
from workflow_scripts.tuning.neighbourhood import neighbours

METHODS = list(scale.generation.max_new_tokens)
GENERATION = scale.generation.model_dump_json(  # what changes no text re-runs nothing
    exclude={"streams", "drop_flags", "think_open", "think_close", "server", "source", "released"}
)
STREAM_SETTINGS = scale.generation.model_dump_json(exclude={"source", "released"})
JOINED = "stitched|stitched_real_first|stitched_no_real|latent|latent_no_real"
TEACHER = teacher_of(RUNS.values(), scale).run_id  # the real-only student whose own text self-distillation trains on
LLM_SETTINGS = LLM.model_dump_json(exclude=LLM.unsaid)
SHOWN, LARGEST = ["simple", "stitched", "latent"], max(scale.generation.counts)  # streams and G of the examples
SHUFFLED = {"simple": "stitched", "simple_no_real": "stitched_no_real"}  # the same rows, shuffled


def server_file():
    """JSON that names the vLLM server of generation jobs: the user's own, or the service's; none without a server."""
    if scale.generation.engine != "vllm-server":
        return []
    own = scale.generation.server
    return ancient(own) if own else "<results>/generations/server.json"


SERVER = server_file()


def ensemble_settings(wildcards):
    """The recipe of an ensemble's members, which they share."""
    return recipe_of(ENSEMBLES[wildcards.ensemble][0])


def run_named(name):
    """Row of the run table. Raises WorkflowError for a name that is in none."""
    if name not in ALL_RUNS:
        raise WorkflowError(f"no student is called {name}; {RESULTS}/runs.csv names them")
    return ALL_RUNS[name]


def llm_files(llm=LLM):
    """What a generator's weights wait for: a converted package, or a snapshot of the hub."""
    if llm.package:
        return f"results/llms/{llm.package}" + (f"-{llm.bits}bit" if llm.bits else "")
    return [f"results/hub/{name}.json" for name, place in HUB.items() if place == f"model:{llm.model}@{llm.revision}"]


def llm_location(wildcards, input, llm=LLM):
    """Where a generator's weights are: a folder, or their id on the hub."""
    return input.model if llm.package else llm.model


def hub_place(wildcards):
    """Options that name a repository of the hub."""
    kind, _, place = HUB[wildcards.repository].partition(":")
    repo, _, revision = place.partition("@")
    return f"--kind {kind} --repo {repo} --revision {revision}"


def released_files(wildcards):
    """Snapshot of the authors' stream."""
    return f"results/hub/{wildcards.released}.json" if wildcards.released in HUB else []


def source_snapshot(wildcards):
    """Snapshot of a source on the hub, if it is read whole."""
    name = f"source-{wildcards.source}"
    return f"results/hub/{name}.json" if name in HUB else []


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


def real_stream(wildcards):
    """The stream of natural text, or, whose passes are then a run's epochs, the synthetic stream alone."""
    run = run_named(wildcards.run)
    natural = run.natural or (NATURAL_STREAM if run.budget_tokens else "real")
    return stream(f"<results>/streams/{run.stream_name if run.alone else natural}")


def synthetic_stream(wildcards):
    """The synthetic stream that is mixed in, if one is: an arm's, where all methods are compared."""
    run = run_named(wildcards.run)
    name = f"arms/{run.stream}" if run.natural else run.stream_name
    return stream(f"<results>/streams/{name}") if run.mixing_ratio else []


def training_options(wildcards, input):
    """Command-line options of one row of the run table."""
    run = run_named(wildcards.run)
    tokens = "" if run.alone else f"--real-tokens {run.real_tokens} "
    passes = f"--budget-tokens {run.budget_tokens}" if run.budget_tokens else f"--real-epochs {run.real_epochs}"
    options = f"{tokens}{passes} --mixing-ratio {run.mixing_ratio}"
    options += f" --lr {run.lr} --weight-decay {run.weight_decay} --seed {run.seed}"
    return options + (f" --synthetic {input.synthetic[2].removesuffix('.json')}" if input.synthetic else "")


def training_settings(wildcards):
    """The recipe of a run's row."""
    return recipe_of(run_named(wildcards.run))


def recipe_of(run):
    """The shared recipe with what the row sets: attention and recipe version; seeds are the row's own."""
    row = {"cross_document_attention": run.cross_document_attention, "recipe": run.recipe, "seeds": [0]}
    row |= {name: own for name in ("batch_sequences", "context") if (own := getattr(run, name))}
    return scale.training.model_copy(update=row).model_dump_json()


def student_settings(wildcards):
    """Shape of a run's student."""
    return settings.students[run_named(wildcards.run).student].model_dump_json()


def results_folder(wildcards):
    """Folder of all that the scale's rules write."""
    return RESULTS


def folder_of_first(wildcards, input):
    """Folder of a pack that is an input."""
    return os.path.dirname(input.pack[0])


def evaluated(runs):
    """Metrics and evaluations of students."""
    return expand(["<results>/runs/{run}/metrics.json", "<results>/evaluations/{run}.parquet"], run=runs)


def measured(runs):
    """All that is measured of students: metrics, evaluations and, of those that are asked, downstream tasks."""
    asked = [run for run in runs if run in DOWNSTREAM_RUNS]
    return evaluated(runs) + expand("<results>/downstream/{run}.json", run=asked)


def measured_of_study(wildcards):
    """All that is measured of a study's students, its ensembles, and students that tell how far seeds scatter.

    Raises WorkflowError for a study that is not shipped.
    """
    require_shipped(wildcards.study)
    runs = [run.run_id for run in needed_by(RUNS.values(), wildcards.study)]
    groups = {RUNS[run].group for run in runs} if studies_of(scale)[wildcards.study].ensembles else set()
    ensembles = [name for name in ENSEMBLES if name in groups]
    replicated = replicated_runs(RUNS.values(), scale, wildcards.study)
    seeds = [run.run_id for run in replicated if run.run_id not in runs]
    ensembles = expand("<results>/evaluations/ensembles/{ensemble}.parquet", ensemble=ensembles)
    return measured(runs) + evaluated(seeds) + ensembles


def packs_of_figure(wildcards):
    """Tables that a figure is drawn from: packs of its studies, or of a part of the workflow with tables of its own."""
    return [file for study in FIGURES[wildcards.figure].studies for file in tables_of(study, wildcards)]


def tables_of(study, wildcards):
    """Files of a study's pack, or of what stands for one."""
    if study == "methods":
        return METHODS_PACK + [f"{folder}/{name}" for folder in other_corpora(wildcards) for name in METHODS_FILES]
    own = {"synpro": SYNPRO_PACK, THEORY: ["<results>/laws/retraining_theory/retraining_theory.csv"]}
    return own.get(study) or pack(f"<results>/tables/studies/{study}")


def folders_of_figure(wildcards):
    """Their folders."""
    places = {"synpro": "tables/synpro", "methods": "tables/methods", THEORY: "laws/retraining_theory"}
    studies = FIGURES[wildcards.figure].studies
    return [f"{RESULTS}/{places.get(study, f'tables/studies/{study}')}" for study in studies] + other_corpora(wildcards)


def certificates(wildcards):
    """One certificate per tuned row of the run table. Raises WorkflowError when a row is on no grid."""
    if OFF_GRID:
        raise WorkflowError(OFF_GRID)
    require_shipped(MAIN)
    return expand("<results>/tuning/certificates/{run}.json", run=[run for run in CENTRES if run not in ARM_RUNS])


def neighbourhood(wildcards):
    """Metrics and evaluations of a tuned student and its neighbours."""
    centre = CENTRES[wildcards.run]
    return evaluated([run.run_id for run in [centre, *neighbours(settings, centre)]])


def made_here():
    """What only students have that are trained here: manifests, what every job cost, and what was generated."""
    if SOURCE != "rerun":
        return []
    texts = [*rules.describe_generations.output, *rules.report_quality.output] if OURS else []
    return [rules.summarise_times.output, *manifest_files(), *texts]


def drawn(*papers):
    """Names of figures of some papers (default: the megadocs study's and its predecessor's) with studies at hand."""
    own = drawable(settings.scale, scale, papers) if papers else drawable(settings.scale, scale)
    return [figure for figure in own if not lacking(figure, ABSENT)]


def figure_files():
    """PDF of every figure that the scale has the studies of; PNG and CSV come with it."""
    return expand("<results>/figures/{figure}.pdf", figure=drawn())  # mixtures have their own


def headline_files():
    """Fits of the data efficiency and their summary; none where their students are not shipped."""
    return list(rules.fit_data_efficiency.output) if MAIN in STUDIES else []


def certificates_at_hand(wildcards):
    """Certificates of the search that exist: the tables of hyper-parameters name them, and start no search."""
    return sorted(str(path) for path in Path(RESULTS, "tuning/certificates").glob("*.json"))


def example_streams(wildcards):
    """The streams that examples are shown of."""
    return [file for name in SHOWN for file in stream(f"<results>/streams/{name}-G{LARGEST}")]


def table_files():
    """The tables of hyper-parameters; examples where the texts are made here."""
    own = SOURCE == "rerun" and OURS and set(SHOWN) <= set(scale.generation.streams)
    tuned = ["<results>/tables/hyperparameters.md"] if "generation_scaling" in STUDIES else []
    return tuned + (["<results>/tables/examples.json"] if own else [])


def page_texts():
    """Measures of our own generations, and examples; none where the texts are not made here."""
    return ["<results>/generations/quality.json", *table_files()] if SOURCE == "rerun" and OURS else []
