# Files and options of jobs for mixtures: functions of their wildcards.
from workflow_scripts.config.base import ROUND

ROUND_RUNS = [run for run in MIXTURE_RUNS.values() if ROUND.fullmatch(run.stream)]
ROUND_TOKENS = max((run.budget_tokens for run in ROUND_RUNS), default=0)  # that each round's student writes


NATURAL_TOKENS = max([run.real_tokens for run in MIXTURE_RUNS.values()] + [MIXTURES.source_tokens if MIXTURES else 0])


def tokens_of_train():
    """Tokens of the train documents that some student or some text needs."""
    return max(*scale.corpus.baseline_tokens, NATURAL_TOKENS if NATURAL == "train" else 0)


def llm_of(wildcards):
    """The generator of a kind."""
    return settings.llms[KINDS[wildcards.kind].llm or scale.generation.llm]


def source_of_kind(wildcards):
    """What a kind's texts are written of."""
    keywords = f"<results>/corpus/keywords-{wildcards.kind}.parquet"
    return "<results>/corpus/passages.parquet" if KINDS[wildcards.kind].source == "passages" else keywords


def generation_of_kind(wildcards):
    """The scale's settings of generation, as far as they are about this kind's texts."""
    kind, written = wildcards.kind, MIXTURES.kinds[wildcards.kind]
    texts = written.texts if KINDS[kind].source == "passages" else 1
    own = {"generated": texts, "counts": [texts], "streams": [], "max_new_tokens": {kind: written.max_new_tokens}}
    own["batch_documents"] = max(1, scale.generation.sequences // texts)  # as many texts at once as elsewhere
    changed = scale.generation.model_copy(update=own | {"prompt_versions": {kind: KINDS[kind].prompt}})
    return changed.model_dump_json(exclude={"drop_flags", "think_open", "think_close", "server", "source", "released"})


def round_teacher(wildcards):
    """The student whose text a round is made of: the round before it, or the natural-only student of the same size."""
    before = f"{wildcards.chain}_r{int(wildcards.number) - 1}"
    own = next(run for run in ROUND_RUNS if run.stream == f"{wildcards.chain}_r{wildcards.number}")
    wanted = {"stream": before if ROUND.fullmatch(before) else "real", "seed": scale.training.seeds[0]}
    wanted |= {name: getattr(own, name) for name in ("budget_tokens", "student", "batch_sequences", "context")}
    found = (run for run in MIXTURE_RUNS.values() if all(getattr(run, key) == value for key, value in wanted.items()))
    teacher = next(found, None)
    if teacher is None:
        raise WorkflowError(f"{own.run_id}: no student with {wanted}, whose text it is trained on; add it to the study")
    return teacher.run_id


def shards_of_rounds(wildcards):
    """Texts of a round; where rounds accumulate, of all rounds so far."""
    numbers = range(1 if wildcards.chain == "accumulate" else int(wildcards.number), int(wildcards.number) + 1)
    jobs = range(scale.generation.jobs)
    names = expand("{chain}_r{number}-{job}", chain=wildcards.chain, number=numbers, job=jobs)
    return expand("<results>/generations/{name}.parquet", name=names)


def kind_packing(wildcards):
    """What building a kind's stream needs."""
    return stream_need(settings, wildcards.kind)


def kind_pairs(wildcards):
    """The kinds' streams by name, for commands."""
    return [f"{kind}={RESULTS}/streams/{kind}" for kind in KINDS]


def domain_pairs(wildcards):
    """The domains' streams by name, for commands."""
    return [f"{name}={RESULTS}/streams/validation/{name}" for name in DOMAINS]


def unigrams_at_hand(wildcards):
    """Unigrams of the mixtures, where their texts are made here, or shipped."""
    shipped = PACK / "mixtures/unigrams.csv"
    if SOURCE == "rerun":
        return "<results>/mixtures/unigrams.csv"
    return str(shipped) if SOURCE == "shipped" and shipped.exists() else []


def packs_of_mixtures(wildcards):
    """Packs of all mixture studies."""
    return [table for study in MIXTURE_STUDIES for table in pack(f"<results>/tables/studies/{study}")]


def mixture_targets(wildcards):
    """Figures, fits, claims and tables of the mixture studies. Raises WorkflowError where a scale has none."""
    for study in mixture_studies(scale):
        require_shipped(study)
    if not MIXTURE_STUDIES:
        raise WorkflowError(f"scale {settings.scale} has no mixture studies: choose another, or add `mixtures` to it")
    figures = drawable(settings.scale, scale, [MIXTURE_PAPER])
    texts = [*rules.describe_kinds.output, *rules.count_unigrams.output] if SOURCE == "rerun" else []
    made = [*rules.fit_mixtures.output, *rules.check_mixture_claims.output, "<results>/tables/mixtures/students.csv"]
    return [*expand("<results>/figures/{figure}.pdf", figure=figures), *made, *texts]
