"""ToEdit (arXiv 2412.14689): the natural text itself, where a prior LM's sample stands for tokens it was sure of.

One forward pass over each document, in windows: a token whose probability after the original tokens before it is at
least `threshold` is replaced by a sample of the prior's `candidates` most likely tokens there, by the softmax of their
log-probabilities divided by `temperature`, as in the authors' code; all others stay. At temperature 1 nearly all
samples are the token itself: the record's `notes` have the share of tokens that the prior was sure of, and of those
that changed. A document that comes out as it was stays, and is counted by its kind. `copies` of the settings: edited
texts per document. [assumed] Windows; the scale's LLM, itself tuned to follow instructions, is the prior.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.progress import progress
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools

DEFAULTS = {"threshold": 0.99, "candidates": 64, "temperature": 1.0, "copies": 1}
WINDOW = 1024  # tokens of the prior; logits of more would need gigabytes


class Prior:
    """An LM with what it knows of a text's tokens."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self.device == "cuda" else torch.float32
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(self.device).eval()
        self.window = min(WINDOW, self.model.config.max_position_embeddings)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())

    def ids(self, text: str) -> np.ndarray:
        """Tokens of a text."""
        return np.array(self.tokenizer.encode(text, add_special_tokens=False))

    def text(self, ids: np.ndarray) -> str:
        """Text of tokens."""
        return self.tokenizer.decode(ids.tolist(), clean_up_tokenization_spaces=False)

    def sure(self, ids: np.ndarray, threshold: float, candidates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places of tokens that it is sure of; log-probabilities and ids [places, candidates] of what may stand there.

        A window's first token has nothing before it and is never among them.
        """
        import torch

        found = []
        for start in range(0, len(ids), self.window):
            own = torch.tensor(ids[start : start + self.window], device=self.device)
            with torch.inference_mode():
                known = self.model(own[None]).logits[0, :-1].float().log_softmax(-1)
            places = torch.tensor(chosen(known.gather(1, own[1:, None])[:, 0].exp().cpu().numpy(), threshold))
            top = known[places.to(self.device)].topk(candidates)
            found.append((places.numpy() + start + 1, top.values.cpu().numpy(), top.indices.cpu().numpy()))
        return tuple(map(np.concatenate, zip(*found, strict=True)))


def chosen(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Places that are replaced."""
    return np.flatnonzero(probabilities >= threshold)


def drawn(known: np.ndarray, ids: np.ndarray, temperature: float, seed: int) -> np.ndarray:
    """A token for each place, by the softmax of log-probabilities / temperature (Gumbel noise)."""
    noise = np.random.default_rng(seed).gumbel(size=known.shape)
    return np.take_along_axis(ids, (known / temperature + noise).argmax(-1)[:, None], 1)[:, 0]


def write(tools: Tools) -> Iterator[Text]:
    """`copies` edited texts of every document. Raises UserError when the method's entry does not ask for a prior."""
    if tools.prior is None:
        raise UserError(f"methods.{tools.name}.author: its module reads with the LLM: write `author: prior`")
    settings, prior, started = DEFAULTS | tools.settings, Prior(tools.prior), time.monotonic()
    read = tokens = others = sure = 0
    for row in progress_over(tools.documents):
        ids = prior.ids(row["text"])
        places, known, candidates = prior.sure(ids, settings["threshold"], settings["candidates"])
        read += len(ids)
        for number in range(settings["copies"]):
            edited, seed = ids.copy(), tools.seed(row["doc_id"], number)
            edited[places] = drawn(known, candidates, settings["temperature"], seed)
            tokens, sure, others = tokens + len(ids), sure + len(places), others + int((edited != ids).sum())
            kind = "unchanged" if (edited == ids).all() else "edited"  # the method keeps such a document as it is
            yield Text(row["doc_id"], kind, number, prior.text(edited))
    tools.costs.use("prior", prior.parameters, read=read)
    tools.costs.seconds += time.monotonic() - started
    tools.notes |= {"sure_share": sure / max(tokens, 1), "changed_share": others / max(tokens, 1)}


def progress_over(documents: list[dict]) -> Iterator[dict]:
    """Documents, with a bar of their characters."""
    with progress(sum(len(row["text"]) for row in documents), "editing", "characters") as bar:
        for row in documents:
            yield row
            bar.update(len(row["text"]))
