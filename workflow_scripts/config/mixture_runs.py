"""Students of mixtures: a budget of tokens, a share of it synthetic, natural tokens seen once (arXiv 2510.01631)."""

from collections.abc import Iterator
from itertools import product

from workflow_scripts.config.base import REAL
from workflow_scripts.config.models import Rows, Training
from workflow_scripts.config.runs import Run, named


def mixture_students(rows: Rows, training: Training) -> Iterator[Run]:
    """All combinations of the rows' lists; a share of 0 is a natural-only student, whichever kind's row asks for it."""
    students, seeds = rows.student or [training.student], rows.seeds or training.seeds
    attention = rows.cross_document_attention or [training.cross_document_attention]
    sequences = rows.batch_sequences or training.batch_sequences
    context = rows.context or training.context
    lists = (students, rows.stream, rows.budget_tokens, rows.mixing_ratio, rows.lr, rows.weight_decay, attention, seeds)
    for student, stream, budget, share, lr, decay, crosses, seed in product(*lists):
        share = 0.0 if stream == REAL else share
        run = Run(
            run_id="unnamed",
            stream=stream if share else REAL,
            generations=0,
            real_tokens=natural_tokens(budget, share, sequences, context, training.mixing_block_sequences),
            real_epochs=1,
            mixing_ratio=share,
            lr=lr,
            weight_decay=decay,
            student=student,
            seed=seed,
            cross_document_attention=crosses,
            recipe=training.recipe,
            budget_tokens=budget,
            batch_sequences=0 if sequences == training.batch_sequences else sequences,
            context=0 if context == training.context else context,
            origin="given in the study",
        )
        yield named(run, training.student)


def natural_tokens(budget: int, share: float, batch_sequences: int, context: int, block: int) -> int:
    """Unique natural tokens that a student needs to see none twice: the share of whole mixing blocks, whole batches.

    The share holds in every block of sequences; inside the last one, which may be cut, natural ones may come first.
    """
    batch = batch_sequences * context
    blocks = -(-(budget // batch * batch_sequences) // block)
    sequences = blocks * block - int(share * blocks * block + 1e-6)
    return -(-sequences // batch_sequences) * batch
