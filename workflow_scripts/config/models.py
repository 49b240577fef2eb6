"""The single definition of the config: types, defaults, limits and what each value means.

The JSON schema that editors and Snakemake use is generated from these models
(`python -m workflow_scripts.config.schema`). Real documents: corpus.py; kinds of text and mixtures: mixtures.py.
"""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.config.base import REAL, ROUND, STREAMS, Decay, Fraction, Name, Rate, Share, Stream, Strict
from workflow_scripts.config.comparison import Comparison, Method
from workflow_scripts.config.corpus import Corpus, Released
from workflow_scripts.config.grid import Tuning
from workflow_scripts.config.mixtures import Kind, Mixtures
from workflow_scripts.config.synpro import SynPro

ScaleName = Literal["smoke", "laptop", "laptop_newsgroups", "replication", "gpu", "paper", "synpro_400m", "synpro_1b"]


class Llm(Strict):
    """A generator: where its weights are and how it samples."""

    model: str = Field(description="'package:smollm2-135m-instruct', a Hugging Face id, or a folder")
    revision: str = "main"
    bits: int | None = Field(
        None, ge=2, le=8, description="of a packaged one: its weights are rounded to so many bits, a worse generator"
    )
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    context: PositiveInt = Field(2048, description="tokens of prompt and answer together")
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    tensor_parallel: PositiveInt = Field(
        1, description="GPUs of one node that share the model; with more than one, bf16 sums and so texts are others"
    )

    @property
    def unsaid(self) -> set[str]:
        """Fields that say nothing: without them, keys of journals and params of rules stay those of older versions."""
        usual = {"tensor_parallel": 1, "bits": None}
        return {name for name, value in usual.items() if getattr(self, name) == value}

    @property
    def package(self) -> str | None:
        """The data package that holds it, if one does."""
        return self.model.removeprefix("package:") if self.model.startswith("package:") else None


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
    max_new_tokens: dict[Name, PositiveInt] = Field(default={"rephrase": 1024, "latent_thoughts": 512})
    prompt_versions: dict[Name, str] = Field(default={"rephrase": "rephrase.v1", "latent_thoughts": "latent.v1"})
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
    generators: list[Name] = Field([], description="kinds that differ in their generator alone, weakest first")


class Rows(Strict):
    """Students of a study: all combinations of the lists; what is not given is the tuned value, or the scale's."""

    stream: list[Name] = Field(min_length=1, description="real, a stream of `generation`, or a kind of `mixtures`")
    generations: list[int] = Field([0], min_length=1, description="G; real and self_distilled have none: [0]")
    student: list[str] | None = Field(None, description="keys of `students`; none: the scale's")
    real_tokens: list[PositiveInt] | None = Field(None, description="none: the scale's")
    budget_tokens: list[PositiveInt] | None = Field(
        None, description="mixtures: all tokens that a student is trained on, natural ones seen once; no epochs then"
    )
    batch_sequences: PositiveInt | None = Field(None, description="none: the scale's")
    context: PositiveInt | None = Field(None, description="none: the scale's")
    natural: Name | None = Field(None, description="stream of natural documents; none: the scale's")
    real_epochs: list[PositiveInt] | None = None
    mixing_ratio: list[Share] | None = Field(None, description="synthetic share; 1 with budget_tokens only")
    lr: list[Rate] | None = None
    weight_decay: list[Decay] | None = None
    seeds: list[int] | None = Field(None, description="none: the scale's")
    cross_document_attention: list[bool] | None = Field(None, description="none: the scale's")
    tuned_as: Name | None = Field(None, description="take this stream's tuned values")
    alone: bool = Field(False, description="train on the synthetic stream alone, which epochs then count passes over")

    @model_validator(mode="after")
    def _budget_is_complete(self) -> "Rows":
        if not self.budget_tokens:
            if 1.0 in (self.mixing_ratio or []):
                raise ValueError("mixing_ratio 1 needs budget_tokens: without real tokens there are no epochs to count")
            return self
        if needed := [name for name in ("mixing_ratio", "lr", "weight_decay") if getattr(self, name) is None]:
            raise ValueError(f"budget_tokens needs {needed[0]}: no tuned values are looked up for mixtures")
        fixed = {"real_epochs": None, "real_tokens": None, "tuned_as": None, "alone": False, "generations": [0]}
        if given := [name for name, usual in fixed.items() if getattr(self, name) != usual]:
            raise ValueError(f"{given[0]} does not go with budget_tokens: leave it out")
        return self

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
    mean_generated_tokens: dict[Name, PositiveInt] = Field({"rephrase": 200, "latent_thoughts": 60})


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
    mixtures: Mixtures | None = Field(None, description="natural and synthetic text of the mixture studies")
    synpro: SynPro | None = Field(None, description="generators trained by reinforcement; none: not at this scale")
    comparison: Comparison | None = Field(None, description="all methods on one protocol; none: not at this scale")
    studies: dict[str, Study] = Field({}, description="further students, by the question that they answer")
    left_out: dict[str, str] = Field({}, description="figures that this scale lacks, each with the reason")

    @model_validator(mode="after")
    def _mixtures_are_described(self) -> "Scale":
        if not self.mixtures and any(rows.budget_tokens for study in self.studies.values() for rows in study.rows):
            raise ValueError("studies with budget_tokens need a section `mixtures`")
        kinds = self.mixtures.kinds if self.mixtures else {}
        if unknown := [name for name in self.analysis.generators if name not in kinds]:
            raise ValueError(f"analysis.generators: {unknown[0]} is not among mixtures.kinds: {', '.join(kinds)}")
        return self

    @model_validator(mode="after")
    def _streams_exist(self) -> "Scale":
        known = {REAL, *STREAMS, *(self.mixtures.kinds if self.mixtures else [])}
        for study, content in self.studies.items():
            for stream in (name for rows in content.rows for name in rows.stream):
                if stream not in known and not ROUND.fullmatch(stream):
                    raise ValueError(
                        f"studies.{study}: no stream is called '{stream}'; it is none of {', '.join(sorted(known))}, "
                        "replace_r1, accumulate_r1 ..."
                    )
        return self

    @model_validator(mode="after")
    def _comparison_has_its_texts(self) -> "Scale":
        if self.comparison:
            self.comparison.check_sets(self.synpro)
        return self

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

    scale: ScaleName = "laptop"
    hyperparameters: str = Field(
        "results/shipped/hyperparameters.csv", description="table of tuned values and where they come from"
    )
    accelerator: Literal["cpu", "cuda"] = Field("cpu", description="which pins of envs/ to install")
    runs: Runs = Runs()
    site: str = Field("slurm/site.yaml", description="facts of your cluster; copy slurm/site.example.yaml")
    budget_gpu_hours: float | None = Field(None, ge=0, description="the workflow refuses to use more device-hours")
    llms: dict[str, Llm]
    kinds: dict[Name, Kind] = Field({}, description="kinds of synthetic text; a scale's `mixtures` says how much")
    methods: dict[Name, Method] = Field(
        {}, description="methods of writing synthetic text; arms of a `comparison` are of them"
    )
    students: dict[str, Student]
    scales: dict[ScaleName, Scale]

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
            for kind in scale.mixtures.kinds if scale.mixtures else []:
                _require(kind, self.kinds, f"scales.{name}.mixtures.kinds", "kinds")
                _require(self.kinds[kind].llm or scale.generation.llm, self.llms, f"kinds.{kind}.llm", "llms")
            if scale.synpro:
                _require(scale.synpro.student, self.students, f"scales.{name}.synpro.student", "students")
                self._require_context(f"scales.{name}.synpro", scale.synpro.student, scale.synpro.context)
                _require(scale.synpro.llm or scale.generation.llm, self.llms, f"scales.{name}.synpro.llm", "llms")
            if scale.comparison:
                own = scale.comparison
                _require(own.student, self.students, f"scales.{name}.comparison.student", "students")
                self._require_context(f"scales.{name}.comparison", own.student, own.context)
                for arm, about in own.arms.items():
                    for method in [about.method] * bool(about.method):
                        _require(method, self.methods, f"scales.{name}.comparison.arms.{arm}.method", "methods")
            for study, content in scale.studies.items():
                for rows in content.rows:
                    for student in rows.student or []:
                        _require(student, self.students, f"scales.{name}.studies.{study}.rows.student", "students")
                        self._require_context(f"scales.{name}.studies.{study}.rows", student, rows.context or 0)
            for study in scale.analysis.seed_studies:
                always = ("data_efficiency", "generation_scaling")
                known = dict.fromkeys(always) | scale.studies
                _require(study, known, f"scales.{name}.analysis.seed_studies", "studies")
            self._require_context(f"scales.{name}.training", scale.training.student, scale.training.context)
            llm = self.llms[scale.generation.llm]
            if max(scale.generation.max_new_tokens.values()) >= llm.context:
                raise ValueError(
                    f"scales.{name}.generation.max_new_tokens leaves no room for a prompt in {llm.context}"
                )
        return self

    def _require_context(self, where: str, student: str, context: int) -> None:
        longest = self.students[student].max_context
        if context > longest:
            raise ValueError(
                f"{where}.context {context} is longer than the student's max_context {longest}: lower the one or raise "
                f"students.{student}.max_context"
            )


def _require(key: str, known: dict, where: str, table: str) -> None:
    if key not in known:
        raise ValueError(f"{where} is '{key}', which is not among {table}: {', '.join(known)}")
