# Files and options of SynPro's jobs: functions of their wildcards.
import json

from workflow_scripts.config.synpro import ORGANIC, UNIQUE
from workflow_scripts.evaluation.synpro_columns import COLUMNS as SYNPRO_COLUMNS
from workflow_scripts.planning.synpro import generator_need, pretraining_need, set_need

SYNPRO, COMPARISON = scale.synpro, scale.comparison
POOL = NATURAL if SYNPRO else "train"  # documents that both studies are of
PRETRAININGS = SYNPRO.pretrainings if SYNPRO else {}
SETS = SYNPRO.used_sets() if SYNPRO else {}
STUDENT_SEEDS = SYNPRO.seeds if SYNPRO else []
SYNPRO_LLM = settings.llms[SYNPRO.llm or scale.generation.llm] if SYNPRO else LLM
WRITTEN = [name for name, own in SETS.items() if own.operation]  # by a generator; the others are joined from these
GENERATORS = [name for name in WRITTEN if SETS[name].rewards]
PROBED = [name for name, own in PRETRAININGS.items() if own.role in ("repetition", "round")]
SYNPRO_PACK = [f"<results>/tables/synpro/{name}.csv" for name in SYNPRO_COLUMNS]
EMBEDDING, RATER = "results/llms/minilm", "results/llms/rater"
REFERENCE = [f"<results>/streams/reference{end}" for end in ("", "_held_out")]


wildcard_constraints:
    pretraining="|".join(PRETRAININGS) or NOTHING,
    written="|".join(WRITTEN) or NOTHING,
    stitched="|".join(name for name in SETS if name not in WRITTEN) or NOTHING,
    generator="|".join(GENERATORS) or NOTHING,
    seed=r"\d+",
    pool=f"{ORGANIC}|{UNIQUE}",


def pool_tokens(wildcards):
    """Natural tokens of the organic text, or of the oracle's and the baseline's."""
    if wildcards.pool == ORGANIC:
        return SYNPRO.organic_tokens
    return SYNPRO.unique_tokens if SYNPRO else max(COMPARISON.baseline_tokens)


def pool_streams(wildcards):
    """Files of the natural stream and of the synthetic sets of a pretraining."""
    own = PRETRAININGS[wildcards.pretraining]
    names = [UNIQUE if own.unique else ORGANIC, *own.sets]
    return [file for name in names for file in stream(f"<results>/streams/{name}")]


def start_state(wildcards):
    """State that a pretraining continues from: the plateau of another one, of the same seed."""
    start = PRETRAININGS[wildcards.pretraining].start
    return f"<results>/synpro/pretrainings/{start}-s{wildcards.seed}/plateau.safetensors" if start else []


def pretraining_options(wildcards, input):
    """Command-line options of a pretraining."""
    own = PRETRAININGS[wildcards.pretraining]
    options = f"--steps {own.steps} --warmup-steps {SYNPRO.warmup_steps} --lr {SYNPRO.lr} --seed {wildcards.seed}"
    options += f" --weight-decay {SYNPRO.weight_decay} --evaluate-every {SYNPRO.evaluate_every}"
    options += f" --synthetic-tokens {own.synthetic_tokens}" if own.synthetic_tokens else ""
    return options + (f" --continue-from {input.start}" if input.start else "")


def probe_options(wildcards, input):
    """Command-line options of the short training on the reference task."""
    probe = SYNPRO.probe
    options = f"--kind answer --steps {probe.steps} --lr {probe.lr} --weight-decay {SYNPRO.weight_decay}"
    return f"{options} --evaluate-every {probe.steps} --seed {wildcards.seed} --continue-from {input.start}"


def synpro_training(batch_sequences):
    """The recipe of its students as a `training` section."""
    changed = {"student": SYNPRO.student, "context": SYNPRO.context, "batch_sequences": batch_sequences, "seeds": [0]}
    return scale.training.model_copy(update=changed).model_dump_json()


def synpro_student():
    """Shape of its students; they are used at no longer context than they are trained on."""
    return settings.students[SYNPRO.student].model_copy(update={"max_context": SYNPRO.context}).model_dump_json()


def scoring_students(wildcards):
    """The student before and after its probe, where a generator is rewarded for influence; of the first seed."""
    student = SETS[wildcards.generator].student
    if not student:
        return []
    places = [
        f"pretrainings/{student}-s{STUDENT_SEEDS[0]}/plateau_model",
        f"probes/{student}-s{STUDENT_SEEDS[0]}/model",
    ]
    return [f"<results>/synpro/{place}" for place in places]


def generator_model(wildcards):
    """Weights that a set is written by: trained ones, or the LLM's."""
    if SETS[wildcards.written].rewards:
        return f"<results>/synpro/generators/{wildcards.written}/model"
    return llm_files(SYNPRO_LLM)


def generator_location(wildcards, input):
    """Where they are."""
    return input.model if SETS[wildcards.written].rewards else llm_location(wildcards, input, SYNPRO_LLM)


def weights_option(wildcards, input):
    """Option that names a trained generator's weights: its texts depend on them."""
    return f"--weights {input.model}/model.safetensors" if SETS[wildcards.written].rewards else ""


def generator_settings(wildcards):
    """How a generator samples: as in its training."""
    own = SYNPRO.reinforcement_of(wildcards.written)
    sampling = {"temperature": own.temperature, "top_p": own.top_p}
    return SYNPRO_LLM.model_copy(update=sampling).model_dump_json(exclude=SYNPRO_LLM.unsaid)


def generation_of_set(wildcards):
    """The scale's settings of generation, as far as they are about this set's texts."""
    name, own = wildcards.written, SETS[wildcards.written]
    operation = SYNPRO.operations[own.operation]
    changed = {"generated": own.texts, "counts": [own.texts], "streams": [], "empty_retries": 0}
    changed |= {"max_new_tokens": {name: operation.max_new_tokens}, "prompt_versions": {name: operation.prompt}}
    changed["batch_documents"] = max(1, scale.generation.sequences // own.texts)
    changed = scale.generation.model_copy(update=changed)
    return changed.model_dump_json(exclude={"drop_flags", "think_open", "think_close", "server", "source", "released"})


def shards_of_set(wildcards):
    """Shards of a set, or of the one that it is joined from."""
    return shards(getattr(wildcards, "written", None) or SETS[wildcards.stitched].stitches)


def set_pairs(wildcards):
    """Sets with their shards by name, for commands."""
    jobs, parts = range(scale.generation.jobs), range(scale.generation.shards_per_job)
    own = {
        name: [f"{RESULTS}/generations/{name}-{job}.{part}.parquet" for job in jobs for part in parts]
        for name in WRITTEN
    }
    return [f"{name}={','.join(paths)}" for name, paths in own.items()]


def about_sets():
    """What the config says of every set, for its table."""
    said = {"title", "operation", "rewards", "student", "standardise"}
    return {name: own.model_dump(include=said) for name, own in SETS.items()}


def of_all_students(*names):
    """Files of every pretraining and seed."""
    folder = "<results>/synpro/pretrainings/{pretraining}-s{seed}/{name}"
    return expand(folder, pretraining=PRETRAININGS, seed=STUDENT_SEEDS, name=names)


def pretraining_resources(wildcards):
    """What a pretraining needs of its machine."""
    return pretraining_need(settings, wildcards.pretraining)


def generator_resources(wildcards):
    """What a generator's training needs of its machine."""
    return generator_need(settings, wildcards.generator)


def set_resources(wildcards):
    """What writing a set needs of its machine."""
    return set_need(settings, wildcards.written)


def supplied_by(input, folder):
    """Command that puts shipped or planted tables into a folder."""
    copy = "cp " + " ".join(map(str, input.pack)) if input.pack else ""
    return f"{copy} {folder}" if copy else f"python -m workflow_scripts.planted.synpro --output {folder}"


def synpro_targets(wildcards):
    """Figures, tables and claims of SynPro. Raises WorkflowError where a scale has none."""
    if not SYNPRO:
        raise WorkflowError(f"scale {settings.scale} has no section `synpro`: choose another, or add one")
    figures = drawable(settings.scale, scale, [SYNPRO_PAPER])
    made = [*rules.fit_effective_tokens.output, *rules.check_synpro_claims.output]
    noted = rules.note_synpro.output if SOURCE == "rerun" else []
    return [*expand("<results>/figures/{figure}.pdf", figure=figures), *made, *noted, *rectified_law_files()]
