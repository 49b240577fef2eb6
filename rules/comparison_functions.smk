# Files and options of jobs that compare all methods: functions of their wildcards.
from workflow_scripts.config.comparison_rows import COMPARISON as COMPARISON_STUDY
from workflow_scripts.evaluation.arm_names import arm_names
from workflow_scripts.planning.comparison import arm_need, method_need

METHODS_FILES = [*FILES.values(), "arms.csv"]
METHODS_SHIPPED = sorted(glob_wildcards(f"{HOME}results/shipped/{{scale}}/methods/arms.csv").scale)
METHODS_PACK = [f"<results>/tables/methods/{name}" for name in METHODS_FILES]
ARMS = COMPARISON.arms if COMPARISON else {}
OWN_METHODS = {name: settings.methods[name] for name in (COMPARISON.methods if COMPARISON else [])}
# Repetition's student of the first seed: some methods are its own texts.
REPETITION = [run for run in RUNS.values() if run.natural and run.stream == "real"]
AUTHOR = next((run.run_id for run in REPETITION if run.real_tokens == COMPARISON.organic_tokens), None)
RECTIFIED = "law_rectified"  # a figure of the comparison that is of SynPro's curves
FEWEST_RANKED = 5  # arms in common, whose ranks on two corpora say something
METHOD_FOLDER = f"{HOME}workflow_scripts/methods"


wildcard_constraints:
    method="|".join(OWN_METHODS) or NOTHING,
    arm="|".join(ARMS) or NOTHING,


def early_options(wildcards, input):
    """Command-line options of the weaker one of two students: those of the whole training, stopped early."""
    return f"{training_options(wildcards, input)} --stop-share {COMPARISON.early_share}"


def students_of_method(wildcards):
    """Folders of the students whose own texts a method is."""
    if OWN_METHODS[wildcards.method].author != "student":
        return []
    return [f"<results>/runs/{AUTHOR}/model", f"<results>/comparison/early/{AUTHOR}/model"]


def method_settings(wildcards):
    """What a method's texts depend on of its scale's comparison; not how many arms there are, or how they are tuned."""
    texts = COMPARISON.model_copy(update={"tuning": type(COMPARISON.tuning)(), "left_out": {}, "seeds": [0]})
    one = {"simple": COMPARISON.arms["simple"]}
    return texts.model_copy(update={"arms": one}).model_dump_json(exclude={"downstream"})


def sources_of_arm(wildcards):
    """Streams that an arm's rows are of."""
    own = ARMS[wildcards.arm]
    names = [f"methods/{own.method}"] if own.method else own.sets
    return [file for name in names for file in stream(f"<results>/streams/{name}")]


def natural_of_arm(wildcards):
    """The natural stream, where an arm stitches."""
    return stream(f"<results>/streams/{UNIQUE}") if ARMS[wildcards.arm].stitched else []


def stitching_options(wildcards, input):
    """Options that name the documents which an arm's megadocs end with."""
    natural = f"--natural {input.natural[2].removesuffix('.json')}" if input.natural else ""
    return f"{natural} --natural-tokens {COMPARISON.organic_tokens}"


def method_resources(wildcards):
    """What writing a method's texts needs of its machine."""
    return method_need(settings, wildcards.method)


def arm_resources(wildcards):
    """What packing an arm's stream needs of its machine."""
    return arm_need(settings, wildcards.arm)


def comparison_certificates(wildcards):
    """One certificate per tuned row of the comparison. Raises WorkflowError when a row is on no grid."""
    if OFF_GRID:
        raise WorkflowError(OFF_GRID)
    return expand("<results>/tuning/certificates/{run}.json", run=[run for run in CENTRES if run in ARM_RUNS])


def students_of_arms(wildcards):
    """Metrics and speeds of the students of the comparison."""
    own = [run.run_id for run in RUNS.values() if COMPARISON_STUDY in run.studies.split()]
    return expand(["<results>/runs/{run}/metrics.json", "<results>/runs/{run}/throughput.json"], run=own)


def other_corpora(wildcards):
    """Folders of shipped packs that have arms of this scale; of a figure that compares no corpora none."""
    if wildcards.figure != "comparison_ranks":
        return []
    own = [f"{HOME}results/shipped/{shipped}/methods" for shipped in METHODS_SHIPPED if shipped != settings.scale]
    return [folder for folder in own if len(set(ARMS) & set(arm_names(folder))) >= FEWEST_RANKED]


def comparison_targets(wildcards):
    """Figures, tables and claims of the comparison. Raises WorkflowError where a scale has none.

    The rectified law is of SynPro's curves: where students are trained, `snakemake synpro` makes it.
    """
    if not COMPARISON:
        raise WorkflowError(f"scale {settings.scale} has no section `comparison`: choose another, or add one")
    require_shipped("methods")
    rectified = rectified_law_files() if SOURCE != "rerun" else []
    figures = [figure for figure in drawn(COMPARISON_PAPER) if figure != RECTIFIED]
    made = [*rules.compare_arms.output, *rules.tabulate_comparison.output, *rules.check_comparison_claims.output]
    made += [*rules.fit_repetition_law.output, *rules.simulate_retraining.output]
    return [*expand("<results>/figures/{figure}.pdf", figure=figures), *made, *rectified]


def rectified_law_files():
    """The rectified law's fit and figure; none where a scale has no curves of SynPro."""
    files = [*rules.fit_rectified_law.output, f"<results>/figures/{RECTIFIED}.pdf"]
    return files if RECTIFIED in drawn(COMPARISON_PAPER) else []


def methods_shipped(wildcards):
    """The shipped pack. Raises WorkflowError where it is not shipped."""
    require_shipped("methods")
    return [f"{PACK}/methods/{name}" for name in METHODS_FILES]


def methods_of_page():
    """The comparison where its pack is shipped, or drawn from a law; of a run of one's own the page shows what is there."""
    supplied = SOURCE != "rerun" and "methods" not in ABSENT
    return ["<results>/comparison/comparison.json"] if COMPARISON and supplied else []
