"""Every figure: its title, the studies that it is drawn from, and which paper has it.

A scale that lacks one of a figure's studies lacks the figure, and says why in `scales.<scale>.left_out`.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Scale
from workflow_scripts.config.studies import mixture_studies, studies_of

MEGADOCS, PREDECESSOR, MIXTURES = "arXiv 2603.18534", "arXiv 2509.14786", "arXiv 2510.01631"
SYNPRO = "SynPro (arXiv 2605.17849)"
SYNPRO_PACK = "synpro"  # what stands for studies in its figures: a pack of its own tables
COMPARISON = "All methods on one protocol"
THEORY = "retraining_theory"  # what stands for studies in a figure of a simulation: the folder of its table
COMPARISON_PACK = "methods"  # the same of its figures


@dataclass(frozen=True)
class Figure:
    """One figure; its module in workflow_scripts/figures has its name."""

    title: str
    studies: tuple[str, ...]
    paper: str = MEGADOCS


FIGURES = {
    "construction": Figure("How simple, stitched and latent-thought streams are built", ()),
    "generation_scaling": Figure("Loss against generations per document", ("generation_scaling",)),
    "data_efficiency": Figure("Baseline law and data efficiency", ("data_efficiency",)),
    "context_length": Figure("Short and long documents", ("generation_scaling",)),
    "out_of_distribution": Figure("Out-of-distribution losses", ("generation_scaling",)),
    "downstream": Figure("Downstream error against generations per document", ("generation_scaling",)),
    "epochs_and_mixing": Figure(
        "Loss against real epochs and mixing ratio", ("epochs_and_mixing", "generation_scaling")
    ),
    "optimum_against_generations": Figure(
        "How the best number of epochs moves", ("optimum_against_generations", "generation_scaling")
    ),
    "controlled_hyperparameters": Figure(
        "Megadocs with hyper-parameters of simple rephrases", ("controlled_hyperparameters", "generation_scaling")
    ),
    "ordering": Figure("Order inside a megadoc", ("ordering",)),
    "no_real_document": Figure("Streams without the real document", ("no_real_document", "generation_scaling")),
    "cross_document_attention": Figure(
        "Attention across documents", ("cross_document_attention", "generation_scaling")
    ),
    "no_real_stream": Figure("The synthetic stream alone", ("no_real_stream", "generation_scaling")),
    "ensembles": Figure("Ensembles and their asymptotes", ("ensembles",)),
    "self_distillation": Figure("A student's own text", ("self_distillation", "generation_scaling")),
    "student_size": Figure("Gain against the size of the student", ("student_size",)),
    "standard_recipe": Figure("Epoched standard recipe", ("standard_recipe",), PREDECESSOR),
    "regularised_recipe": Figure(
        "Regularised recipe against size", ("regularised_recipe", "standard_recipe"), PREDECESSOR
    ),
    "joint_limit": Figure(
        "Ensembles of every size and their joint limit", ("regularised_recipe", "baseline_ensembles"), PREDECESSOR
    ),
    "mixture_data": Figure("Loss against training tokens of every mixture", ("mixture_data",), MIXTURES),
    "mixture_size": Figure("Loss against the size of the student of every mixture", ("mixture_size",), MIXTURES),
    "mixture_speedup": Figure("Natural tokens that a token of a mixture is worth", ("mixture_data",), MIXTURES),
    "mixture_ratio": Figure("Best synthetic share against size and budget", ("mixture_ratio",), MIXTURES),
    "mixture_domains": Figure("Loss of every mixture on every domain", ("mixture_data",), MIXTURES),
    "generator_size": Figure("Loss against the quality of the generator", ("generator_size",), MIXTURES),
    "retraining": Figure("Rounds of training on a student's own text", ("retraining",), MIXTURES),
    "synpro_effective_tokens": Figure("Unique natural tokens that an arm is worth", (SYNPRO_PACK,), SYNPRO),
    "synpro_losses": Figure("Loss against training tokens, with the refreshes", (SYNPRO_PACK,), SYNPRO),
    "synpro_rewards": Figure("Rewards of the generators while they are trained", (SYNPRO_PACK,), SYNPRO),
    "synpro_influence": Figure("Texts that still teach the student, static and refreshed", (SYNPRO_PACK,), SYNPRO),
    "synpro_ablation": Figure("Loss and collapse without a part of the method", (SYNPRO_PACK,), SYNPRO),
    "synpro_collapse": Figure("Collapse of synthetic text against natural text", (SYNPRO_PACK,), SYNPRO),
    "synpro_comparison": Figure("All ways of using scarce text, at equal tokens and by cost", (SYNPRO_PACK,), SYNPRO),
    "comparison_efficiency": Figure("Data efficiency of every method", (COMPARISON_PACK,), COMPARISON),
    "comparison_costs": Figure(
        "Data efficiency against tokens and FLOPs, with Pareto fronts", (COMPARISON_PACK,), COMPARISON
    ),
    "comparison_sets": Figure("Gain over repetition on every validation set", (COMPARISON_PACK,), COMPARISON),
    "comparison_as_simple": Figure(
        "Gain over simple rephrases that their hyper-parameters leave", (COMPARISON_PACK,), COMPARISON
    ),
    "comparison_ranks": Figure("Ranks of the methods by seed and by corpus", (COMPARISON_PACK,), COMPARISON),
    "law_rectified": Figure("Rectified law against a power law, the last points held out", (SYNPRO_PACK,), COMPARISON),
    "law_repetition": Figure(
        "Loss against passes over real text, and whether curves collapse", (COMPARISON_PACK,), COMPARISON
    ),
    "retraining_theory": Figure("Retraining for rounds in theory and simulation", (THEORY,), COMPARISON),
}


def lacking(figure: str, absent: Container[str]) -> str | None:
    """The first of a figure's studies that is among `absent` ones."""
    return next((study for study in FIGURES[figure].studies if study in absent), None)


def drawable(name: str, scale: Scale, papers: Sequence[str] = (MEGADOCS, PREDECESSOR)) -> list[str]:
    """Figures of some papers that a scale has.

    Raises UserError for one that is neither drawable nor left out with a reason. A scale without mixture studies has
    no figure of mixtures, one without a section `synpro` or `comparison` none of these, and none need say why.
    """
    absent = {MIXTURES} if not mixture_studies(scale) else set()
    absent |= {SYNPRO} if scale.synpro is None else set()
    absent |= {COMPARISON} if scale.comparison is None else set()
    known = {*studies_of(scale), COMPARISON_PACK, THEORY, *([SYNPRO_PACK] if scale.synpro else [])}
    own = {name for name, content in FIGURES.items() if content.paper in set(papers) - absent}
    for figure, content in ((name, FIGURES[name]) for name in FIGURES if name in own):
        missing = [study for study in content.studies if study not in known]
        if missing and figure not in scale.left_out:
            raise UserError(
                f"scales.{name}: figure {figure} needs the study {missing[0]}: add it to scales.{name}.studies, "
                f"or say in scales.{name}.left_out.{figure} why this scale lacks the figure"
            )
    if unknown := sorted(set(scale.left_out) - set(FIGURES)):
        raise UserError(f"scales.{name}.left_out.{unknown[0]}: no such figure; they are {', '.join(FIGURES)}")
    return [figure for figure in FIGURES if figure in own and figure not in scale.left_out]
