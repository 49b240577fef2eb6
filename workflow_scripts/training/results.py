"""What a training leaves: curve.csv, throughput.json, model/ and, last, metrics.json."""

from pathlib import Path

from workflow_scripts.common.files import write_json, write_text
from workflow_scripts.evaluation.losses import stream_loss
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.export import export_student
from workflow_scripts.training.model import parameter_counts
from workflow_scripts.training.prepare import Setup
from workflow_scripts.training.record import Record
from workflow_scripts.training.trainer import Trainer


def write_results(trainer: Trainer, record: Record, speed: dict) -> None:
    """Everything that --output holds; metrics.json last."""
    setup, output = trainer.setup, Path(trainer.setup.arguments.output)
    lines = ["step,tokens,train_loss_nats,gradient_norm", *(",".join(map(str, point)) for point in record.curve)]
    write_text(output / "curve.csv", "\n".join(lines) + "\n")
    write_json(output / "throughput.json", speed)
    if record.diverged:
        losses = {"diverged_at_step": record.step}
    else:
        losses = {"train_loss_nats": record.curve[-1][2]} | validation_loss(trainer)
    export_student(trainer.model, setup.vocabulary_size, setup.arguments.tokenizer, output / "model")
    parameters = parameter_counts(setup.student, setup.vocabulary_size)
    names = {"name": setup.arguments.name, **losses, **counts(setup), "parameters": parameters}
    write_json(output / "metrics.json", names)


def validation_loss(trainer: Trainer) -> dict[str, float]:
    """Loss on the validation stream, if there is one."""
    setup = trainer.setup
    if not setup.arguments.validation:
        return {}
    stream, masked = TokenStream(setup.arguments.validation), not setup.training.cross_document_attention
    return {"validation_loss_nats": stream_loss(trainer.model, stream, setup.training.context, masked)}


def counts(setup: Setup) -> dict:
    """Tokens that the student sees, by stream, and passes over each."""
    seen = setup.windows.seen(setup.steps)
    return {"steps": setup.steps, "tokens": setup.steps * setup.batch_tokens, **seen}
