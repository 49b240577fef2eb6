# What jobs ask a cluster for, from the size of their own work (workflow_scripts/planning/needs.py).
from workflow_scripts.planning.needs import (
    corpus_need,
    ensemble_need,
    evaluation_need,
    generation_need,
    sampling_need,
    small_need,
    stream_need,
    training_need,
)
from workflow_scripts.planning.slurm import resource_keys, slurm_resources

LARGEST_EVALUATION = evaluation_need(settings, RUNS.values())


def resources(need):
    """What jobs ask a cluster for; `need` is a function of the wildcards. Changing it re-runs nothing."""

    def one(key):
        return lambda wildcards, attempt: slurm_resources(need(wildcards), SITE, attempt)[key]

    return {key: one(key) for key in resource_keys(SITE)}


def client(wildcards):
    """What a job needs that asks a server for its texts."""
    return small_need()


def corpus(wildcards):
    """What splitting and tokenising the corpus need."""
    return corpus_need(settings)


def generation(wildcards):
    """What a generation job needs, of a kind of text where the job has one."""
    return generation_need(settings, getattr(wildcards, "kind", None))


def sampling(wildcards):
    """What a job that samples from a student needs, for a round where the job has one."""
    chain = getattr(wildcards, "chain", None)
    return sampling_need(settings, f"{chain}_r{wildcards.number}" if chain else "self_distilled")


def packing(wildcards):
    """What building or shuffling a stream needs."""
    return stream_need(settings, wildcards.stream, int(wildcards.generations))


def self_distilled_packing(wildcards):
    """What building the stream of a student's own texts needs."""
    return stream_need(settings, "self_distilled", 0)


def released_packing(wildcards):
    """What tokenising one of the authors' streams needs."""
    return stream_need(settings, RELEASED[wildcards.released].stream, RELEASED[wildcards.released].generations)


def training(wildcards):
    """What a training needs of its machine."""
    return training_need(settings, run_named(wildcards.run))


def any_evaluation(wildcards):
    """What the largest evaluation needs: those of an array ask for the same."""
    return LARGEST_EVALUATION


def any_ensemble(wildcards):
    """What evaluating an ensemble needs: all its members at once."""
    return ensemble_need(settings, ENSEMBLES[wildcards.ensemble])
