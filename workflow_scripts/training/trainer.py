"""The training step: gradients of a batch in micro-batches, clipping, AdamW."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.training.device import compiled, keep_freed_memory, pick_ops, pick_precision
from workflow_scripts.training.model import Llama
from workflow_scripts.training.prefetch import Prefetched
from workflow_scripts.training.prepare import Setup
from workflow_scripts.training.recipe import build_optimizer

# of a batch: token ids [B, T]; for masked attention, row numbers [B, T]; where not all tokens count, which do [B, T]
Piece = tuple[Tensor, Tensor | None, Tensor | None]


class StudentLoss(nn.Module):
    """Token ids and mask to the mean loss: what is compiled, and what processes average the gradients of."""

    def __init__(self, model: Llama, compile: bool, device: torch.device) -> None:
        super().__init__()
        self.model = model
        self.loss = compiled(model.mean_loss, compile, device)

    def forward(self, ids_BT: Tensor, mask, wanted_BT: Tensor | None) -> Tensor:
        """Mean loss of a micro-batch in nats per predicted token."""
        return self.loss(ids_BT, mask, wanted_BT)


class Trainer:
    """Model, optimizer and the step that joins them. No step waits for the device: what it returns stays there."""

    def __init__(self, setup: Setup) -> None:
        self.setup, training, arguments = setup, setup.training, setup.arguments
        keep_freed_memory()
        precision = pick_precision(setup.device, training.precision)
        ops = pick_ops(setup.device, precision, training.compile)
        model = Llama(setup.student, setup.vocabulary_size, precision, ops)
        self.model = model.initialise(named_seed("initialisation", arguments.seed)).to(setup.device)
        self.optimizer = build_optimizer(self.model, arguments.lr, arguments.weight_decay, training)
        setup.start(self)
        loss, masked = StudentLoss(self.model, training.compile, setup.device), not training.cross_document_attention
        self.loss = setup.world.together(loss, in_one_graph=masked and setup.device.type == "cuda")
        self.batches = Prefetched(self._pieces, setup.steps)

    def step(self, number: int) -> tuple[Tensor, Tensor]:
        """One optimizer step; this process's training loss in nats per token and gradient norm before clipping."""
        loss = self.accumulate(self.batches.take(number))
        return loss, self.update(self.setup.rate(number))

    def accumulate(self, pieces: list[Piece]) -> Tensor:
        """Gradients of the mean loss over all pieces of all processes; this process's mean loss."""
        total = torch.zeros((), device=self.setup.device)
        for number, piece in enumerate(pieces, start=1):
            with nullcontext() if number == len(pieces) or self.setup.world.size == 1 else self.loss.no_sync():
                loss = self.loss(*self._on_device(piece)) / len(pieces)
                loss.backward()
            total += loss.detach()
        return total

    def update(self, rate: float) -> Tensor:
        """Clip gradients to the global norm, take an AdamW step with this learning rate; the norm before."""
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.setup.training.gradient_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def _pieces(self, number: int) -> list[Piece]:
        """Micro-batches of this process's share of a batch, in memory that a GPU can read by itself."""
        world, size = self.setup.world, self.setup.micro_batch_sequences
        arrays = self.setup.windows.batch(number, world.rank, world.size)
        tensors = [None if array is None else torch.from_numpy(array) for array in arrays]
        if self.setup.device.type == "cuda":
            tensors = [tensor if tensor is None else tensor.pin_memory() for tensor in tensors]
        count = len(tensors[0])
        parts = [slice(i, i + (size or count)) for i in range(0, count, size or count)]
        return [tuple(None if tensor is None else tensor[part] for tensor in tensors) for part in parts]

    def _on_device(self, piece: Piece) -> tuple:
        device = self.setup.device
        ids, rows, wanted = (None if part is None else part.to(device, non_blocking=True) for part in piece)
        return ids, None if rows is None else self.model.ops.mask(rows), wanted
