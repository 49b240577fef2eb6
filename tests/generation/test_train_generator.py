"""GRPO of a generator, for real, with a tiny language model of bytes: rewards go up, a killed training continues."""

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Llm
from workflow_scripts.config.reinforcement import Operation, Reinforcement
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.reinforcement import held_out, train_generator
from workflow_scripts.reinforcement.grpo import grpo_config, trainer_of
from workflow_scripts.reinforcement.prompts import Prompt, rows_of, split
from workflow_scripts.reinforcement.scoring import Scorer, reward_functions

SETTINGS = Reinforcement(
    steps=4, completions=4, prompts_per_step=2, micro_batch_completions=8, lr=1e-2, evaluate_every=2,
    evaluation_slices=2, save_every=2, gradient_checkpointing=False,
)  # fmt: skip
WEIGHTS = {"format": 1.0, "length": 2.0}
CHAT = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"


@pytest.fixture(scope="session")
def generator(corpus, tmp_path_factory) -> Path:
    """A language model of bytes with random weights, as transformers saves it."""
    folder = tmp_path_factory.mktemp("generator")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(corpus[1]), bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>"
    )
    tokenizer.pad_token, tokenizer.chat_template = tokenizer.eos_token, CHAT
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), **sizes, bos_token_id=0, eos_token_id=1)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def arguments(generator, tmp_path):
    """The command's options for a training on ten slices."""
    rows = [{**document(f"Slice number {n} tells of things. " * 3, "test"), "tokens": 90} for n in range(10)]
    write_documents(tmp_path / "slices.parquet", rows)
    operation = Operation(prompt="synpro_rephrase_begun.v1", max_new_tokens=12)

    def build(output: str, settings: Reinforcement = SETTINGS) -> Namespace:
        return Namespace(
            name="tiny", slices=tmp_path / "slices.parquet", settings=settings.model_dump_json(),
            operation_name="rephrase", operation=operation.model_dump_json(), weights=json.dumps(WEIGHTS),
            standardise=False, llm=Llm(model="tiny", context=512, dtype="float32").model_dump_json(), model=generator,
            rater=tmp_path / "slices.parquet", embedding=tmp_path, before=None, after=None, threads=1, recipe=1,
            checkpoint=tmp_path / f"{output}-states", output=tmp_path / output,
        )  # fmt: skip

    return build


def test_killed_training_continues_to_the_same_bytes(arguments, monkeypatch):
    train_generator.main(arguments("whole"))
    evaluate = held_out.HeldOut.on_step_end

    def killed(self, args, state, control, **rest):
        if state.global_step == 3:
            raise KeyboardInterrupt
        evaluate(self, args, state, control, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(held_out.HeldOut, "on_step_end", killed)
        with pytest.raises(KeyboardInterrupt):
            train_generator.main(arguments("killed"))
    states = Path(arguments("killed").checkpoint)
    assert (states / "checkpoint-2").exists() and not Path(arguments("killed").output, "model").exists()
    train_generator.main(arguments("killed"))
    folders = [Path(arguments(name).output) for name in ("whole", "killed")]
    for name in ("rewards.csv", "model/model.safetensors"):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1, name
    assert not states.exists()
    rows = pd.read_csv(folders[0] / "rewards.csv")
    held = rows[rows["split"] == "held_out"]
    assert sorted(held["step"].unique()) == [0, 2, 4] and set(rows[rows["split"] == "training"]["step"]) == {1, 2, 3, 4}
    assert {"format", "length", "total", "copied_share", "boilerplate_share", "ok_share"} <= set(held["measure"])
    assert (held[held["measure"] == "total"]["n"] == 2).all()


def test_states_of_another_training_are_not_continued(tmp_path):
    (tmp_path / "states/checkpoint-2").mkdir(parents=True)
    (tmp_path / "states/checkpoint-2/trainer_state.json").write_text("{}")
    (tmp_path / "states/identity.json").write_text(json.dumps({"lr": 1}))
    assert train_generator.last_state(tmp_path / "states", {"lr": 1}) == str(tmp_path / "states/checkpoint-2")
    assert train_generator.last_state(tmp_path / "states", {"lr": 2}) is None
    assert not (tmp_path / "states/checkpoint-2").exists()


def test_step_has_to_divide_into_micro_batches(arguments):
    with pytest.raises(UserError, match="micro_batch_completions 3 doesn't divide the 8 completions"):
        train_generator.main(arguments("wrong", SETTINGS.model_copy(update={"micro_batch_completions": 3})))


def test_rewarded_letters_become_likelier(generator, tmp_path):
    from datasets import Dataset

    settings = SETTINGS.model_copy(update={"steps": 25, "kl": 0.0})
    tokenizer = AutoTokenizer.from_pretrained(generator)

    def letters(completions, **_):
        return [float(sum(character.isascii() and character.isalpha() for character in text)) for text in completions]

    rows = rows_of([Prompt(f"d{n}", f"Say {n}:", "") for n in range(4)], 25, 2, 0)
    config = grpo_config(settings, [1.0], False, 12, tmp_path)
    model = LlamaForCausalLM.from_pretrained(generator)
    nothing = held_out.HeldOut(Scorer("rephrase", "", {}, {}), [], settings, 1)
    nothing.evaluate = lambda *_: None
    trainer = trainer_of(model, tokenizer, config, [letters], Dataset.from_list(rows), None, nothing)
    trainer.train()
    rewards = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 1


class Fixed:
    """A reward with given scores."""

    def __init__(self, *scores: float) -> None:
        self.given = scores

    def scores(self, written):
        """The first ones."""
        return np.array(self.given[: len(written)])


def test_total_is_the_weighted_sum_without_what_cannot_be_judged():
    scorer = Scorer("rephrase", "", {"format": Fixed(1, 0), "quality": Fixed(np.nan, -2)}, {"format": 1, "quality": 3})
    written = scorer.written(["a", "b"], ["Here is a paraphrased version: x", "y"], [True, True])
    assert [one.status for one in written] == ["ok", "wrong_format"]
    assert scorer.total(scorer.scores(written)).tolist() == [1, -6]
    quality = reward_functions(scorer, end=7)[1]
    assert quality(["x", "y"], [[5, 7], [5]], ["a", "b"]) == [None, -2.0]


def test_slices_of_a_document_are_held_out_together():
    prompts = [Prompt(f"d{document}#{n}", "", "") for document in range(10) for n in range(3)]
    train, held = split(prompts, 5, "any")
    assert len(held) == 5 and len(train) in range(30 - 9, 30 - 5)
    assert not {one.doc_id.partition("#")[0] for one in train} & {one.doc_id.partition("#")[0] for one in held}
    with pytest.raises(UserError, match="leave none to train on"):
        split(prompts[:3], 3, "any")
