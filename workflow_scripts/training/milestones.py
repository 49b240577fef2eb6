"""What a pretraining does at intervals: evaluate, keep its state, see whether it has reached its plateau.

States are kept of the last evaluations alone, as many as it takes to see that a plateau was reached at one of them;
then of that one. Evaluations are part of the checkpoints, so that an interrupted training ends with the same ones.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.synpro import Plateau
from workflow_scripts.evaluation.losses import document_losses, kind_loss, window_losses
from workflow_scripts.evaluation.parts import parts_of
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.scaling.plateau import plateau_at
from workflow_scripts.training.checkpoint import PLATEAU, training_state, write_state
from workflow_scripts.training.record import Record
from workflow_scripts.training.trainer import Trainer

STATE = "state-{:09d}.safetensors"
STATE_NAME, REACHED = PLATEAU


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
        own = trainer.setup.arguments
        self.output = Path(own.output)
        self.folder = Path(own.checkpoint or own.output)  # outputs of an interrupted job don't outlive it

    def reach(self, record: Record) -> bool:
        """Evaluate and keep the state where it is time to, on the first process; whether it was."""
        setup = self.trainer.setup
        if not self.sets or record.step % self.every and record.step != setup.steps:
            return False
        if setup.world.is_first:
            self.evaluate(record)
            self.keep(record)
        setup.world.any(False)  # the others wait
        return True

    def evaluate(self, record: Record) -> None:
        """Note the loss on every set in nats per token, with steps and tokens of all trainings until now.

        Losses on sets of whole documents are noted by part, too.
        """
        setup = self.trainer.setup
        tokens = self.before["tokens"] + record.step * setup.batch_tokens
        row = {"step": self.before["step"] + record.step, "tokens": tokens}
        masked, context = not setup.training.cross_document_attention, setup.training.context
        losses: dict[str, float] = {}
        for own in self.sets:
            if own.kind:
                losses[own.name] = kind_loss(self.trainer.model, own.stream, context, masked, own.kind)
                continue
            found = window_losses(self.trainer.model, own.stream, context, masked)
            parts = parts_of(document_losses(found, own.stream))
            losses[own.name] = float(np.nanmean(found, dtype=np.float64))
            record.parts += [row | {"set": own.name} | part for part in parts]
        record.evaluations.append(row | losses)

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
        """Put the state of the plateau among the results.

        Where none was reached, the last state takes its place, and its file says so.
        """
        if self.place(record.evaluations) is None:
            self.settle(record, len(record.evaluations) - 1, reached=False)
        for name in (STATE_NAME, REACHED) if self.folder != self.output else ():
            with atomic_path(self.output / name) as temporary:
                shutil.copyfile(self.folder / name, temporary)

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
