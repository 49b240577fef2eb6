"""The single definition of the config: types, defaults, limits and what each value means.

The JSON schema that editors and Snakemake use is generated from these models
(`python -m workflow_scripts.config.schema`).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Fraction = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Stream = Literal[
    "simple",
    "stitched",
    "latent",
    "stitched_real_first",
    "simple_no_real",
    "stitched_no_real",
    "latent_no_real",
    "self_distilled",
]
Method = Literal["rephrase", "latent_thoughts"]


class Strict(BaseModel):
    """A section of the config that rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Llm(Strict):
    """A generator: where its weights are and how it samples."""

    model: str = Field(description="'package:smollm2-135m-instruct', a Hugging Face id, or a folder")
    revision: str = "main"
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    context: PositiveInt = Field(2048, description="tokens of prompt and answer together")
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    tensor_parallel: PositiveInt = Field(
        1, description="GPUs of one node that share the model; with more than one, bf16 sums and so texts are others"
    )


class Generation(Strict):
    """How synthetic text is written, or whose is taken."""

    source: Literal["ours", "released"] = Field(
        "ours", description="ours: the LLM writes; released: the streams of others, as `released` names them"
    )
    released: dict[str, Released] = Field({}, description="published streams by name, such as simple-G2")
    llm: str = Field(description="a key of `llms`")
    engine: Literal["vllm", "vllm-server", "transformers"] = Field(
        "vllm", description="vllm: in the job itself; vllm-server: all jobs ask one server; transformers: without vLLM"
    )
    batching: Literal["fixed", "continuous"] = Field(
        "fixed",
        description="fixed: a batch of documents ends before the next starts, so neither sharding nor interruption "
        "changes a text; continuous: the engine is kept full, and in bf16 a text depends on what else was under way",
    )
    batch_invariant: bool = Field(
        False, description="vLLM's batch-invariant kernels (a GPU only, slower): texts don't depend on what else runs"
    )
    server: str | None = Field(
        None, description="vllm-server: JSON file with the `url` of a server that runs already; none: it is started"
    )
    server_options: list[str] = Field(
        [], description="vllm-server: further options of `vllm serve`, such as [--data-parallel-size, '8']"
    )
    generated: PositiveInt = Field(description="generations written per document and method")
    counts: list[PositiveInt] = Field(min_length=1, description="G of the studied streams; nested in `generated`")
    streams: list[Stream] = Field(["simple", "stitched", "latent"], description="streams that students train on")
    max_new_tokens: dict[Method, PositiveInt] = Field(default={"rephrase": 1024, "latent_thoughts": 512})
    prompt_versions: dict[Method, str] = Field(default={"rephrase": "rephrase.v1", "latent_thoughts": "latent.v1"})
    batch_documents: PositiveInt = Field(
        16, description="documents per engine batch; part of the result: bf16 rounding depends on the batch"
    )
    jobs: PositiveInt = Field(1, description="generation jobs; each starts its engine once")
    shards_per_job: PositiveInt = Field(2, description="Parquet shards that one engine start writes, per method")
    empty_retries: int = Field(3, ge=0, description="[assumed] further seeds tried when an answer is empty")
    drop_flags: list[Literal["empty", "truncated", "refusal", "copy"]] = Field(
        ["empty"], description="[assumed] flagged generations that streams leave out; the others are kept"
    )
    think_open: str = Field("<think>\n", description="[assumed] text before an inserted thought")
    think_close: str = Field("\n</think>\n", description="[assumed] text after an inserted thought")

    @model_validator(mode="after")
    def _methods_are_complete(self) -> "Generation":
        needed = {"latent_thoughts" if stream.startswith("latent") else "rephrase" for stream in self.streams}
        for name, table in (("max_new_tokens", self.max_new_tokens), ("prompt_versions", self.prompt_versions)):
            if missing := sorted((needed | set(self.max_new_tokens)) - set(table)):
                raise ValueError(f"{name} has no entry for {', '.join(missing)}, which the streams need")
        return self

    @property
    def sequences(self) -> int:
        """Requests that an engine works on at once."""
        return self.batch_documents * self.generated

    @model_validator(mode="after")
    def _server_is_shared(self) -> "Generation":
        if self.engine == "vllm-server" and self.batching == "fixed":
            raise ValueError("engine: vllm-server mixes the batches of all jobs: set batching: continuous")
        return self

    @model_validator(mode="after")
    def _counts_are_generated(self) -> "Generation":
        if max(self.counts) > self.generated:
            raise ValueError(f"counts {self.counts} ask for more than `generated` = {self.generated} per document")
        return self


class Student(Strict):
    """Llama-style decoder: SwiGLU, RMSNorm, rotary positions, no biases."""

    hidden: PositiveInt
    feed_forward: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    key_value_heads: PositiveInt
    max_context: PositiveInt = 4096
    tied_embeddings: bool = False
    rope_theta: float = 10_000.0
    norm_epsilon: float = 1e-5
    initializer_std: float = Field(0.02, description="[assumed] normal(0, std) for embeddings and all matrices")

    @model_validator(mode="after")
    def _shapes_divide(self) -> "Student":
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            raise ValueError(f"hidden {self.hidden} must be an even multiple of heads {self.heads}")
        if self.heads % self.key_value_heads:
            raise ValueError(f"heads {self.heads} must be a multiple of key_value_heads {self.key_value_heads}")
        return self


class Training(Strict):
    """The recipe that all students of a scale share: what is trained, not how it runs."""

    student: str = Field(description="a key of `students`")
    recipe: int = Field(1, description="raise it when a change of code changes what is trained")
    context: PositiveInt = 4096
    batch_sequences: PositiveInt = 64
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    gradient_clip: float = Field(1.0, description="global norm")
    warmup_fraction: Fraction = 0.01
    mixing_block_sequences: PositiveInt = Field(2048, description="the mixing ratio holds exactly in every block")
    cross_document_attention: bool = True
    precision: Literal["bf16", "fp32"] = Field("bf16", description="of products; parameters are fp32")
    compile: bool = Field(
        True, description="fused operations: torch.compile on a GPU, our kernels in bf16 on a CPU; else plain torch"
    )
    seeds: list[int] = Field([0], min_length=1)
    curve_points: PositiveInt = Field(50, description="points of the training-loss curve")


class Grid(Strict):
    """Steps of the hyper-parameter search along each axis; an axis of one value is not searched."""

    real_epochs: list[PositiveInt] = Field(min_length=1)
    mixing_ratio: list[Fraction] = Field([0.75], min_length=1, description="real-only students have 0")
    lr: list[Rate] = Field([0.003], min_length=1)
    weight_decay: list[Decay] = Field(min_length=1)


class Tuning(Strict):
    """The hyper-parameter search: each tuned row is compared with its neighbours, one grid step along one axis.

    Candidates are compared on the tuning documents, with the first seed.
    """

    real: Grid = Grid(real_epochs=[4, 8, 16], weight_decay=[0.8])
    synthetic: Grid = Grid(real_epochs=[4, 8, 16], weight_decay=[0.8])


class Downstream(Strict):
    """Questions that students answer, 0-shot, with lm-evaluation-harness."""

    tasks: list[Literal["arc_easy", "piqa", "sciq"]] = Field(["arc_easy", "piqa", "sciq"], min_length=1)
    limit: int | None = Field(None, ge=2, description="first questions of each task; none: all 2,376, 1,838 and 1,000")


class Evaluation(Strict):
    """What students are evaluated on, other than their loss."""

    downstream: Downstream = Downstream()


class Analysis(Strict):
    """Fits and bands."""

    bootstrap_draws: PositiveInt = 1000
    band: float = Field(0.9, gt=0, lt=1, description="central share of the bootstrap draws")
    seed_studies: list[str] = Field(
        ["data_efficiency"],
        description="studies whose students of several seeds tell how far seeds scatter; every band covers it",
    )


class Rows(Strict):
    """Students of a study: all combinations of the lists; what is not given is the tuned value, or the scale's."""

    stream: list[Stream | Literal["real"]] = Field(min_length=1)
    generations: list[int] = Field([0], min_length=1, description="G; real and self_distilled have none: [0]")
    student: list[str] | None = Field(None, description="keys of `students`; none: the scale's")
    real_tokens: list[PositiveInt] | None = Field(None, description="none: the scale's")
    real_epochs: list[PositiveInt] | None = None
    mixing_ratio: list[Fraction] | None = None
    lr: list[Rate] | None = None
    weight_decay: list[Decay] | None = None
    seeds: list[int] | None = Field(None, description="none: the scale's")
    cross_document_attention: list[bool] | None = Field(None, description="none: the scale's")
    tuned_as: Stream | Literal["real"] | None = Field(None, description="take this stream's tuned values")
    alone: bool = Field(False, description="train on the synthetic stream alone, which epochs then count passes over")

    @model_validator(mode="after")
    def _alone_is_synthetic(self) -> "Rows":
        if self.alone and "real" in self.stream:
            raise ValueError("alone: true needs synthetic streams; a real-only student is alone anyway")
        return self


class Study(Strict):
    """A question of the paper: the students that answer it."""

    title: str = Field(description="what the figure or table shows")
    rows: list[Rows] = Field(min_length=1)
    ensembles: bool = Field(False, description="students that differ in their seed alone are also evaluated together")


class Compute(Strict):
    """The machines and how work is laid on them: what is trained does not depend on it, and a change re-runs nothing.

    Rates are of one device; they size jobs and give the plan its hours until measured ones replace them.
    """

    device: str = Field("CPU core", description="what hours are counted of, as the plan prints it")
    peak_tflops: float = Field(0.5, gt=0, description="dense bf16 products of one device, TFLOP/s")
    training_utilisation: float = Field(0.4, gt=0, le=1, description="[assumed] share of it that training reaches")
    generated_tokens_per_second: float = Field(400, gt=0, description="[assumed] of the generator, on one device")
    prompt_tokens_per_second: float = Field(2000, gt=0, description="[assumed] of the generator, on one device")
    memory_gb: float = Field(4, gt=0, description="of one device")
    gpus: int = Field(0, ge=0, le=8, description="most GPUs of one node that share a training; 0: no GPU")
    hours_per_training: float = Field(12, gt=0, description="a training gets more GPUs until it fits this time")
    threads: PositiveInt = 1
    micro_batch_sequences: PositiveInt | None = Field(
        None, description="sequences that one device computes at once; none: as many as its memory should hold"
    )
    checkpoint_minutes: float = Field(15, gt=0, description="a training that is killed loses at most this much work")
    runtime_safety: float = Field(1.5, ge=1, description="a job asks for this many times its estimated time")
    mean_document_tokens: float = Field(300, gt=0, description="[assumed] for estimates")
    mean_generated_tokens: dict[Method, PositiveInt] = Field({"rephrase": 200, "latent_thoughts": 60})


class Scale(Strict):
    """One size of the whole workflow."""

    description: str
    corpus: Corpus
    generation: Generation
    training: Training
    tuning: Tuning = Tuning()
    evaluation: Evaluation = Evaluation()
    analysis: Analysis = Analysis()
    compute: Compute = Compute()
    studies: dict[str, Study] = Field({}, description="further students, by the question that they answer")
    left_out: dict[str, str] = Field({}, description="figures that this scale lacks, each with the reason")

    @model_validator(mode="after")
    def _batches_fit(self) -> "Scale":
        batch_tokens = self.training.batch_sequences * self.training.context
        for tokens in self.corpus.baseline_tokens:
            if tokens < batch_tokens:
                raise ValueError(f"baseline_tokens {tokens} is less than one batch of {batch_tokens} tokens")
        return self


class Runs(Strict):
    """Where results come from."""

    source: Literal["rerun", "shipped", "planted"] = Field(
        "rerun",
        description="rerun: students are trained; shipped: their losses are read from results/shipped/<scale>, and "
        "nothing is trained; planted: losses are drawn from a known law, which the analysis has to find again",
    )


class Config(Strict):
    """config.yaml."""

    scale: Literal["smoke", "laptop", "replication", "gpu", "paper"] = "laptop"
    hyperparameters: str = Field(
        "results/shipped/hyperparameters.csv", description="table of tuned values and where they come from"
    )
    accelerator: Literal["cpu", "cuda"] = Field("cpu", description="which pins of envs/ to install")
    runs: Runs = Runs()
    site: str = Field("slurm/site.yaml", description="facts of your cluster; copy slurm/site.example.yaml")
    budget_gpu_hours: float | None = Field(None, ge=0, description="the workflow refuses to use more device-hours")
    llms: dict[str, Llm]
    students: dict[str, Student]
    scales: dict[Literal["smoke", "laptop", "replication", "gpu", "paper"], Scale]

    @property
    def results(self) -> str:
        """Folder of all that is made of the selected scale and source."""
        return f"results/{self.scale}" + ("" if self.runs.source == "rerun" else f"-{self.runs.source}")

    @model_validator(mode="before")
    @classmethod
    def _source_for_short(cls, content: object) -> object:
        """`source` is short for `runs.source`: snakemake --config source=shipped."""
        if not isinstance(content, dict) or "source" not in content:
            return content
        rest = {key: value for key, value in content.items() if key != "source"}
        return rest | {"runs": (rest.get("runs") or {}) | {"source": content["source"]}}

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        for name, scale in self.scales.items():
            _require(scale.generation.llm, self.llms, f"scales.{name}.generation.llm", "llms")
            _require(scale.training.student, self.students, f"scales.{name}.training.student", "students")
            for study, content in scale.studies.items():
                for student in (key for rows in content.rows for key in rows.student or []):
                    _require(student, self.students, f"scales.{name}.studies.{study}.rows.student", "students")
            for study in scale.analysis.seed_studies:
                always = ("data_efficiency", "generation_scaling")
                known = dict.fromkeys(always) | scale.studies
                _require(study, known, f"scales.{name}.analysis.seed_studies", "studies")
            student, context = self.students[scale.training.student], scale.training.context
            if context > student.max_context:
                raise ValueError(
                    f"scales.{name}.training.context {context} is longer than the student's max_context "
                    f"{student.max_context}: lower the one or raise students.{scale.training.student}.max_context"
                )
            llm = self.llms[scale.generation.llm]
            if max(scale.generation.max_new_tokens.values()) >= llm.context:
                raise ValueError(
                    f"scales.{name}.generation.max_new_tokens leaves no room for a prompt in {llm.context}"
                )
        return self


def _require(key: str, known: dict, where: str, table: str) -> None:
    if key not in known:
        raise ValueError(f"{where} is '{key}', which is not among {table}: {', '.join(known)}")
