"""Real documents: where they come from, the student's tokenizer, and how they are divided."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.config.base import Fraction, Strict


class Location(Strict):
    """Where rows of text are."""

    kind: Literal["news", "newsgroups", "reuters", "hub", "files"]
    path: str | None = Field(
        None, description="files: a folder or file of .jsonl, .parquet or .txt (one document each)"
    )
    dataset: str | None = Field(None, description="hub: Hugging Face dataset id")
    revision: str | None = Field(None, description="hub: commit of the dataset")
    subset: str | None = Field(None, description="hub: configuration name of the dataset")
    split: str = Field("train", description="hub: split of the dataset")
    text_field: str = Field("text", description="column that holds the text")

    @model_validator(mode="after")
    def _has_location(self) -> "Location":
        if self.kind == "files" and not self.path:
            raise ValueError("kind: files needs `path`, a folder of .jsonl, .parquet or .txt documents")
        if self.kind == "hub" and not (self.dataset and self.revision):
            raise ValueError("kind: hub needs `dataset` and `revision`, so that the text can't change under a study")
        return self


class Source(Location):
    """Where documents come from, and which of them are taken."""

    min_characters: int = Field(1, ge=1, description="shorter documents are left out and counted")
    max_characters: PositiveInt | None = Field(None, description="longer documents are left out and counted")
    max_documents: PositiveInt | None = Field(None, description="take the documents with the smallest stable hash")
    stop_after: PositiveInt | None = Field(
        None, description="read no further than this many documents of a huge source, which is streamed, not downloaded"
    )


class Released(Location):
    """A stream that others have published: its rows are the stream's, in order."""

    kind: Literal["hub", "files"] = "hub"
    expected_tokens: PositiveInt | None = Field(None, description="count to compare with; a difference is a warning")


class Tokenizer(Strict):
    """The student's tokenizer."""

    kind: Literal["bpe", "hub"] = Field("bpe", description="bpe: byte-level BPE trained on the train pool only")
    vocabulary_size: PositiveInt = Field(2048, description="number of token ids, special tokens included")
    name: str | None = Field(None, description="hub: repository id")
    revision: str = Field("main", description="hub: commit")

    @model_validator(mode="after")
    def _is_complete(self) -> "Tokenizer":
        if self.kind == "hub" and not self.name:
            raise ValueError("kind: hub needs `name`, the repository id of the tokenizer")
        if self.kind == "bpe" and self.vocabulary_size < 258:
            raise ValueError("a byte-level BPE needs vocabulary_size >= 258: 256 bytes and two special tokens")
        return self


class Corpus(Strict):
    """Real documents: the train pool, what is held out, and how much is trained on."""

    train: Source
    more: Source | None = Field(None, description="further train documents, for D beyond the first source")
    validation: Source | None = Field(None, description="own i.i.d. validation source; none: held out by stable hash")
    validation_short: Source | None = Field(None, description="own short documents; none: the shorter half by tokens")
    validation_long: Source | None = Field(None, description="own long documents; none: the longer half by tokens")
    out_of_distribution: dict[str, Source] = Field(default_factory=dict)
    tokenizer: Tokenizer = Tokenizer()
    validation_fraction: Fraction = Field(0.2, description="share of documents in the reported validation set")
    tuning_fraction: Fraction = Field(
        0.1,
        description="share of documents that hyper-parameters are chosen on; 0: on the validation set, as the authors",
    )
    near_duplicate_jaccard: float = Field(0.7, gt=0, le=1, description="[assumed] drop train documents this similar")
    real_tokens: PositiveInt = Field(description="D: unique real tokens of every synthetic run")
    baseline_tokens: list[PositiveInt] = Field(description="unique real tokens of the real-only runs, D among them")

    @model_validator(mode="after")
    def _fractions_and_baselines(self) -> "Corpus":
        if self.validation_fraction + self.tuning_fraction >= 1:
            raise ValueError("validation_fraction + tuning_fraction must leave documents to train on (< 1)")
        if self.real_tokens not in self.baseline_tokens:
            raise ValueError(f"baseline_tokens {self.baseline_tokens} must contain real_tokens {self.real_tokens}")
        if len(set(self.baseline_tokens)) != len(self.baseline_tokens):
            raise ValueError(f"baseline_tokens {self.baseline_tokens} holds a value twice")
        return self
