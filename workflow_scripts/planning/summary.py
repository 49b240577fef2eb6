"""The plan as one screen of Markdown."""

from collections.abc import Iterable
from dataclasses import dataclass

from workflow_scripts.config.models import Config
from workflow_scripts.config.studies import studies_of
from workflow_scripts.planning.costs import StudyCost, affordable, remaining, study_costs
from workflow_scripts.planning.need import checkpoints_gb
from workflow_scripts.planning.synpro_work import STUDY as SYNPRO
from workflow_scripts.planning.work import TUNING, Work, all_runs

TABLE_HEAD = "| figures and tables of | students | done | tokens | FLOPs | trainings | alone | adds |"
KINDS = ("training", "evaluation", "reinforcement", "generation", "self-distillation", "packing")


@dataclass(frozen=True)
class Plan:
    """All work of a scale, what its hours rest on, and the device-hours used so far."""

    config: Config
    work: list[Work]
    utilisation: float
    origin: str
    used: float
    tuning: bool = False

    @property
    def unit(self) -> str:
        """What is counted."""
        return f"{self.config.scales[self.config.scale].compute.device}-hours"

    @property
    def studies(self) -> list[str]:
        """In the order in which the run table lists them."""
        scale = self.config.scales[self.config.scale]
        further = [name for name, there in ((SYNPRO, scale.synpro), (TUNING, self.tuning)) if there]
        return [*studies_of(scale), *further]


def summary(plan: Plan) -> str:
    """The whole text."""
    costs = study_costs(plan.work, plan.studies)
    total = f"{amount(remaining(plan.work))} {plan.unit} remain, {amount(plan.used)} are used."
    parts = [
        f"# Plan of scale {plan.config.scale}",
        f"{total} {_shared(costs, plan.unit)}",
        "\n".join([TABLE_HEAD, "|---|" + "--:|" * 7, *map(_row, costs)]),
        f"{plan.unit} that remain. *trainings*: of these students; *alone*: with all that they wait for, if only this "
        "is asked for; *adds*: to what the lines above need anyway.",
        "\n".join(_kinds(plan)),
        _rests_on(plan),
        _disk(plan),
        *([_budget(plan)] if plan.config.budget_gpu_hours is not None else []),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def amount(hours: float) -> str:
    """Two to three digits that count."""
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 1 else f"{hours:.2g}"


def _row(cost: StudyCost) -> str:
    cells = [cost.study, f"{cost.students}", f"{cost.done}", f"{cost.tokens:.3g}", f"{cost.flops:.2g}"]
    return f"| {' | '.join([*cells, amount(cost.trainings), amount(cost.alone), amount(cost.added)])} |"


def _shared(costs: list[StudyCost], unit: str) -> str:
    largest, alone = costs[0], sum(cost.alone for cost in costs)
    added = sum(cost.added for cost in costs)
    saved = f"; one by one, without sharing students and texts, all would take {amount(alone)}"
    return f"{largest.study} alone costs {amount(largest.alone)} {unit}" + (saved if alone > added else "") + "."


def _kinds(plan: Plan) -> Iterable[str]:
    for kind in KINDS:
        own = [piece for piece in plan.work if piece.kind == kind]
        if own:
            left, done = amount(remaining(own)), sum(piece.done for piece in own)
            longest = max(own, key=lambda piece: piece.hours)
            place = f" on {longest.gpus} GPU{'s' * (longest.gpus > 1)}" if longest.gpus else ""
            yield (
                f"- {kind}: {len(own)} jobs, {done} done, {left} {plan.unit} remain; "
                f"the longest takes {amount(longest.hours)} hours{place}"
            )


def _rests_on(plan: Plan) -> str:
    compute = plan.config.scales[plan.config.scale].compute
    return (
        f"Training at {plan.utilisation:.0%} of {compute.peak_tflops:g} TFLOP/s per {compute.device} ({plan.origin}). "
        f"Texts at {compute.generated_tokens_per_second:,.0f} new and {compute.prompt_tokens_per_second:,.0f} prompt "
        "tokens/s per device (assumed). Hours of several devices are assumed to add up."
    )


def _disk(plan: Plan) -> str:
    stays = {kind: sum(piece.disk_gb for piece in plan.work if piece.kind == kind) for kind in KINDS}
    checkpoints = max((checkpoints_gb(plan.config, run) for run in all_runs(plan.config, plan.tuning)), default=0)
    weights, streams, texts = stays["training"], stays["packing"], stays["generation"] + stays["self-distillation"]
    return (
        f"Disk when all is done: {amount(weights)} GB of weights, {amount(streams)} GB of token streams, "
        f"{amount(texts)} GB of texts; and up to {amount(checkpoints)} GB per student that is being trained."
    )


def _budget(plan: Plan) -> str:
    budget = plan.config.budget_gpu_hours
    fitting, left = affordable(plan.work, plan.studies, budget - plan.used)
    names = ", ".join(fitting) or "nothing that is not done"
    return (
        f"Of the budget of {budget:g} {plan.unit}, {amount(plan.used)} are used. In the order above it pays for: "
        f"{names}; {amount(max(0, left))} {plan.unit} are then left."
    )
