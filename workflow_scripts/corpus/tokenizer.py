"""The student's tokenizer: a byte-level BPE trained on the train pool only, or one from the hub."""

import argparse
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
from tokenizers import Encoding, Tokenizer, decoders, models, pre_tokenizers, trainers

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_text
from workflow_scripts.config import corpus as config
from workflow_scripts.config.load import parse_settings
from workflow_scripts.corpus.documents import read_documents

BOUNDARIES = [("<|begin_of_text|>", "<|end_of_text|>"), ("<s>", "</s>")]  # known pairs of BOS and EOS; ours first
GROUP_CHARACTERS, GROUPS_AHEAD = 2**20, 2
Item, Group = TypeVar("Item"), TypeVar("Group", bound=Sequence)


def train_bpe(settings: config.Tokenizer, train_pool: str | Path) -> Tokenizer:
    """Byte-level BPE with BOS and EOS as its first two ids. Raises UserError when the text is too small for it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary_size,
        special_tokens=list(BOUNDARIES[0]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((row["text"] for row in read_documents(train_pool)), trainer)
    if tokenizer.get_vocab_size() != settings.vocabulary_size:
        raise UserError(
            f"{train_pool}: the train pool supports only {tokenizer.get_vocab_size()} tokens; "
            f"lower tokenizer.vocabulary_size from {settings.vocabulary_size}"
        )
    return tokenizer


def from_hub(settings: config.Tokenizer) -> Tokenizer:
    """Tokenizer of a hub repository, from the hub's cache. Raises UserError when it can't be had."""
    from workflow_scripts.common.hub import snapshot  # here: training needs this module, too, and no hub
    from workflow_scripts.common.hub_repo import Repo

    folder = snapshot(Repo("tokenizer", settings.name, settings.revision))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = None
    return tokenizer


class StudentTokenizer:
    """Tokenizer with its identity: ids of BOS and EOS, vocabulary size, name, hash of its file."""

    def __init__(self, path: str | Path) -> None:
        if not Path(path).exists():
            raise UserError(f"{path}: no such tokenizer.json")
        text = Path(path).read_text(encoding="utf-8")
        self.sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
        self.name = f"{Path(path).stem}-{self.sha256[:8]}"
        self.tokenizer = Tokenizer.from_str(text)
        self.tokenizer.encode_special_tokens = True  # text that looks like a special token stays text
        self.vocabulary_size = self.tokenizer.get_vocab_size()
        self.bos_id, self.eos_id = _boundary_ids(self.tokenizer)

    def rows(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text as its own row: BOS, content, EOS."""
        return [[self.bos_id, *e.ids, self.eos_id] for e in self._encode(texts)]

    def encode_ahead(self, groups: Iterable[Group], texts: Callable[[Group], list[str]]) -> Iterator[tuple]:
        """(group, encodings of its texts) of each group, in order.

        The library works on the next groups, on all cores, while the caller uses this one and composes further ones.
        """
        with ThreadPoolExecutor(1) as library:
            waiting: deque = deque()
            for group in groups:
                waiting.append((group, library.submit(self._encode, texts(group))))
                if len(waiting) > GROUPS_AHEAD:
                    first, encodings = waiting.popleft()
                    yield first, encodings.result()
            for first, encodings in waiting:
                yield first, encodings.result()

    def row_lengths(self, encodings: list[Encoding]) -> np.ndarray:
        """int64 [texts]: tokens of each text as its own row."""
        return np.array([len(e) + 2 for e in encodings], np.int64)

    def row_ids(self, encodings: list[Encoding]) -> np.ndarray:
        """uint32: the rows of all texts, one after another."""
        pieces = chain.from_iterable(((self.bos_id,), e.ids, (self.eos_id,)) for e in encodings)
        return np.fromiter(chain.from_iterable(pieces), np.uint32, self.row_lengths(encodings).sum())

    def _encode(self, texts: list[str]) -> list[Encoding]:
        return self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each content token."""
        return self.tokenizer.encode(text, add_special_tokens=False).offsets

    def spans(self, texts: list[str]) -> list["Spans"]:
        """The same of many texts, on all cores."""
        return list(map(Spans, self.tokenizer.encode_batch(texts, add_special_tokens=False)))

    def decode(self, ids: list[int]) -> str:
        """Text of ids, BOS and EOS left out."""
        return self.tokenizer.decode([int(i) for i in ids], skip_special_tokens=True)


class Spans(Sequence):
    """Character span of each token of a text; made one by one when asked for, as most never are."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding

    def __len__(self) -> int:
        return len(self.encoding)

    def __getitem__(self, position: int) -> tuple[int, int]:
        return self.encoding.token_to_chars(range(len(self.encoding))[position])


def groups_by_characters(items: Iterable[Item], characters: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Lists of items of about GROUP_CHARACTERS together: enough to share between cores, little enough to hold."""
    group, total = [], 0
    for item in items:
        group.append(item)
        total += characters(item)
        if total >= GROUP_CHARACTERS:
            yield group
            group, total = [], 0
    if group:
        yield group


def _boundary_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    for bos, eos in BOUNDARIES:
        ids = tokenizer.token_to_id(bos), tokenizer.token_to_id(eos)
        if None not in ids:
            return ids
    raise UserError(f"the tokenizer has no pair of BOS and EOS among {BOUNDARIES}")


def main(arguments: argparse.Namespace) -> None:
    """Train or fetch the tokenizer and write its tokenizer.json."""
    settings = parse_settings(config.Tokenizer, arguments.settings)
    tokenizer = from_hub(settings) if settings.kind == "hub" else train_bpe(settings, arguments.train)
    write_text(arguments.output, tokenizer.to_str(pretty=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of the `tokenizer` section of the config")
    parser.add_argument("--train", required=True, help="train pool (Parquet)")
    parser.add_argument("--output", required=True, help="tokenizer.json")
    run_command(main, parser)
