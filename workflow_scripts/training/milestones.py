"""What a pretraining does at intervals: evaluate, keep its state, see whether it has reached its plateau.

States are kept of the last evaluations alone, as many as it takes to see that a plateau was reached at one of them;
then of that one. Evaluations are part of the checkpoints, so that an interrupted training ends with the same ones.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from workflow_scripts.common.files import write_json
from workflow_scripts.config.synpro import Plateau
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.evaluation.losses import document_losses, kind_loss, window_losses
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.scaling.plateau import plateau_at
from workflow_scripts.training.checkpoint import training_state, write_state
from workflow_scripts.training.record import Record
from workflow_scripts.training.trainer import Trainer

STATE = "state-{:09d}.safetensors"
PARTS = 32  # that the documents of a set are dealt into: a bootstrap over parts stands for one over documents
REACHED, STATE_NAME = "plateau.json", "plateau.safetensors"


@dataclass(frozen=True)
class EvaluationSet:
    """A stream and the kind of its rows that counts; none: all."""

    name: str
    stream: TokenStream
    kind: str | None


class Milestones:
    """Of one pretraining; `before` are steps and tokens of the trainings that it continues."""

    def __init__(
        self, trainer: Trainer, sets: list[EvaluationSet], every: int, plateau: Plateau, before: dict[str, int]
    ) -> None:
        self.trainer, self.sets, self.every, self.plateau, self.before = trainer, sets, every, plateau, before
        self.folder = Path(trainer.setup.arguments.output)

    def reach(self, record: Record) -> bool:
        """Evaluate and keep the state where it is time to, on the first process; whether it was."""
        setup = self.trainer.setup
        if not self.sets or record.step % self.every and record.step != setup.steps:
            return False
        if setup.world.is_first:
            record.evaluations.append(self.evaluated(record.step))
            record.parts += self.parts(record.evaluations[-1])
            self.keep(record)
        setup.world.any(False)  # the others wait
        return True

    def evaluated(self, step: int) -> dict:
        """Steps and tokens, all trainings before this one included, and the loss on every set in nats per token."""
        setup = self.trainer.setup
        row = {"step": self.before["step"] + step, "tokens": self.before["tokens"] + step * setup.batch_tokens}
        masked = not setup.training.cross_document_attention
        context = setup.training.context
        return row | {s.name: kind_loss(self.trainer.model, s.stream, context, masked, s.kind) for s in self.sets}

    def parts(self, row: dict) -> list[dict]:
        """Losses of an evaluation on sets of whole documents, by part."""
        setup, found = self.trainer.setup, []
        for own in (s for s in self.sets if s.kind is None):
            masked = not setup.training.cross_document_attention
            losses = window_losses(self.trainer.model, own.stream, setup.training.context, masked)
            place = {"step": row["step"], "tokens": row["tokens"], "set": own.name}
            found += [place | part for part in parts_of(document_losses(losses, own.stream))]
        return found

    def keep(self, record: Record) -> None:
        """Write the state, and drop what is older than a plateau could still be found at."""
        if self.place(record.evaluations[:-1]) is not None:
            return
        state = training_state(self.trainer.model, self.trainer.optimizer)
        write_state(self.path(record.evaluations[-1]), record.evaluations[-1], state)
        place = self.place(record.evaluations)
        if place is not None:
            self.settle(record, place, reached=True)
            return
        kept = {self.path(row) for row in record.evaluations[-self.plateau.patience - 1 :]}
        for path in set(self.folder.glob("state-*.safetensors")) - kept:
            path.unlink()

    def finish(self, record: Record) -> None:
        """Where no plateau was reached, the last state takes its place, and its file says so."""
        if self.place(record.evaluations) is None:
            self.settle(record, len(record.evaluations) - 1, reached=False)

    def place(self, evaluations: list[dict]) -> int | None:
        """Of the plateau among them."""
        p = self.plateau
        return plateau_at([row[p.of] for row in evaluations], p.patience, p.improvement, p.smoothing)

    def settle(self, record: Record, place: int, reached: bool) -> None:
        """Keep the state of one evaluation under a name of its own, and what it was chosen by.

        A training that was killed after it and comes here again finds it there.
        """
        chosen = record.evaluations[place]
        if self.path(chosen).exists():
            self.path(chosen).rename(self.folder / STATE_NAME)
        for path in self.folder.glob("state-*.safetensors"):
            path.unlink()
        losses = [row[self.plateau.of] for row in record.evaluations]
        content = {"reached": reached, **chosen, "losses_nats": losses, "rule": self.plateau.model_dump()}
        write_json(self.folder / REACHED, content)

    def path(self, row: dict) -> Path:
        """File of the state after an evaluation."""
        return self.folder / STATE.format(row["step"])


def parts_of(losses: pa.Table) -> list[dict]:
    """Summed losses and predicted tokens of every part of a set, from those of its documents."""
    sums: dict[int, list] = {}
    for row in losses.to_pylist():
        own = sums.setdefault(named_hash("part", row["doc_id"]) % PARTS, [0.0, 0])
        own[0] += row["loss_sum_nats"]
        own[1] += row["predicted_tokens"]
    return [{"part": n, "loss_sum_nats": sums[n][0], "predicted_tokens": sums[n][1]} for n in sorted(sums)]
