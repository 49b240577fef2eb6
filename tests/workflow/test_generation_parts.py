"""Parts of generation: where thoughts go, what is asked, which seeds, what is flagged, how shards divide the work."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.workflow.conftest import SETTINGS, generation_row, make_texts, write_shard
from workflow_scripts.common.batches import batched
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.documents import document
from workflow_scripts.generation.batches import Batch, Shard, batches_of, shards_of
from workflow_scripts.generation.driver import Driver
from workflow_scripts.generation.engines import Completion
from workflow_scripts.generation.flags import copied_share, flags_of
from workflow_scripts.generation.generate import expected_tokens
from workflow_scripts.generation.prompts import PromptBuilder, load_template
from workflow_scripts.generation.requests import Request, requests_of
from workflow_scripts.generation.shards import read_generations, read_rows, slice_of
from workflow_scripts.generation.splitting import boundaries, studied_thoughts


def letters(count: int) -> list[tuple[int, int]]:
    """Spans of a text whose tokens are single characters."""
    return [(i, i + 1) for i in range(count)]


def test_boundaries_of_nine_tokens():
    assert boundaries(letters(9), 2) == [("1/3", 3), ("2/3", 6)]
    names = ["1/9", "2/9", "1/3", "4/9", "5/9", "2/3", "7/9", "8/9"]
    assert boundaries(letters(9), 8) == list(zip(names, range(1, 9), strict=True))


def test_short_document_has_a_boundary_between_tokens_at_most():
    assert boundaries(letters(3), 8) == [("2/9", 1), ("5/9", 2)]
    assert boundaries(letters(1), 8) == boundaries([], 8) == []


def test_boundary_inside_a_character_moves_to_its_start():
    spans = [(0, 1), (1, 2), (1, 2), (2, 3)]  # the second character is two tokens
    assert boundaries(spans, 1) == [("1/2", 1)]
    assert boundaries([(0, 1), (0, 1)], 1) == []


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16, 32])
def test_pieces_are_nearly_equal(count):
    for tokens in range(count + 1, 200):
        offsets = [0, *(offset for _, offset in boundaries(letters(tokens), count)), tokens]
        sizes = [b - a for a, b in zip(offsets, offsets[1:], strict=False)]
        assert len(sizes) == count + 1 and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("tokens", [27, 100, 1243])
def test_boundaries_of_a_small_g_are_among_those_of_a_multiple(tokens):
    assert set(boundaries(letters(tokens), 2)) < set(boundaries(letters(tokens), 8))


def test_thoughts_that_two_g_share_are_written_once():
    assert studied_thoughts([8, 2]) == ["1/3", "2/3", "1/9", "2/9", "4/9", "5/9", "7/9", "8/9"]
    assert len(studied_thoughts([2, 4, 8, 16, 32])) == 58
    assert len(studied_thoughts([8, 8])) == 8


SOURCE = "the old bridge over the river was closed for repairs after the flood of last spring said the mayor"
FLAGS = {
    "good": ("A new article about something else entirely, in nine or more words.", "stop", []),
    "empty": ("", "stop", ["empty"]),
    "blank at the limit": (" \n", "length", ["empty", "truncated"]),
    "truncated": ("An article that stops in the", "length", ["truncated"]),
    "refusal": ("I'm sorry, but I can't help with that.", "stop", ["refusal"]),
    "refusal, set well": ("I’m sorry, but I can’t help with that.", "stop", ["refusal"]),
    "refusal by role": ("As an AI language model, I cannot.", "stop", ["refusal"]),
    "quoted sorry": ('The mayor said: "I am sorry about the bridge and everything else."', "stop", []),
    "copy": ("The old bridge over the river was closed for repairs, after the FLOOD!", "stop", ["copy"]),
    "short quote": ("The old bridge over the river", "stop", []),
}


@pytest.mark.parametrize(("text", "reason", "flags"), FLAGS.values(), ids=FLAGS.keys())
def test_flags(text, reason, flags):
    assert flags_of(text, reason, SOURCE) == flags


def test_share_of_copied_sequences():
    """16 words of the source and 8 of its own: 9 of 17 sequences of 8 words are copied."""
    own = " and now come eight words of its own"
    assert copied_share(" ".join(SOURCE.split()[:16]) + own, SOURCE) == 9 / 17


class WordTokenizer:
    """An LLM tokenizer whose tokens are words; a chat is its messages, one after the other."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        new = [word for word in text.split() if word not in self.words]
        self.words += dict.fromkeys(new)
        return [self.words.index(word) for word in text.split()]

    def decode(self, ids: list[int]) -> str:
        return " ".join(self.words[i] for i in ids)

    def apply_chat_template(self, messages: list[dict], **_options) -> str:
        return " ".join(message["content"] for message in messages)


def builder(version: str, context: int = 2048, limit: int = 48) -> PromptBuilder:
    return PromptBuilder(WordTokenizer(), load_template(version), context, limit)


def numbered(name: str, count: int) -> str:
    return " ".join(f"{name}{i}" for i in range(count))


def test_short_document_is_whole_in_its_prompt():
    build = builder("rephrase.v1")
    ids, cut = build.rephrase("alpha beta gamma")
    assert not cut and "Document: alpha beta gamma Rephrased article:" in build.tokenizer.decode(ids)


def test_long_document_keeps_its_head_in_the_prompt_and_is_reported():
    build = builder("rephrase.v1", context=256)
    ids, cut = build.rephrase(numbered("w", 500))
    words = build.tokenizer.decode(ids).split()
    assert cut and len(ids) + 48 <= 256
    assert f"w{build.room - 1}" in words and f"w{build.room}" not in words
    assert build.rephrase(numbered("w", build.room))[1] is False


@pytest.mark.parametrize(("before", "after"), [(500, 500), (500, 5), (5, 500)])
def test_long_document_keeps_what_is_nearest_the_boundary(before, after):
    build = builder("latent.v1", context=256)
    ids, cut = build.latent_thoughts(numbered("p", before), numbered("s", after))
    words = build.tokenizer.decode(ids).split()
    kept = [word for word in words if word[1:].isdigit()]
    left, right = (sum(word[0] == side for word in kept) for side in "ps")
    assert cut and len(ids) + 48 <= 256
    assert kept == [f"p{i}" for i in range(before - left, before)] + [f"s{i}" for i in range(right)]
    assert build.room - 1 <= left + right <= build.room
    assert min(left, right) == min(before, after, build.room // 2)


def test_text_that_looks_like_a_placeholder_stays_text():
    build = builder("latent.v1")
    ids, _ = build.latent_thoughts("format {suffix} and {prefix} here", "the rest")
    assert "Prefix: format {suffix} and {prefix} here Suffix: the rest Latent" in build.tokenizer.decode(ids)


def test_unknown_prompt_version_lists_the_known_ones():
    with pytest.raises(UserError, match=r"rephrase.v9.txt: no such prompt version; there are hq.v1, latent.v1, qa.v1"):
        load_template("rephrase.v9")


def test_context_without_room_for_a_document_is_refused():
    with pytest.raises(UserError, match="prompt rephrase.v1 leaves .* raise the llm's context or lower max_new_tokens"):
        builder("rephrase.v1", context=100, limit=60)


def requests(document_row: dict, method: str, tokenizer, **changes) -> list:
    """All requests of a document."""
    version = SETTINGS.prompt_versions[method]
    return list(requests_of(document_row, method, SETTINGS.model_copy(update=changes), builder(version), tokenizer))


def test_seeds_depend_on_document_method_place_and_attempt_alone(corpus):
    rows = corpus.rows[:2]
    found = [
        request.seed(attempt)
        for row in rows
        for method in ("rephrase", "latent_thoughts")
        for request in requests(row, method, corpus.tokenizer)
        for attempt in range(3)
    ]
    assert len(set(found)) == len(found) == 2 * (4 + 6) * 3
    few, many = (requests(rows[0], "rephrase", corpus.tokenizer, generated=n) for n in (2, 32))
    assert [r.seed(0) for r in few] == [r.seed(0) for r in many][:2]
    few, many = (requests(rows[0], "latent_thoughts", corpus.tokenizer, counts=c) for c in ([8], [8, 2, 4]))
    assert {(r.boundary, r.seed(0)) for r in few} < {(r.boundary, r.seed(0)) for r in many}


def test_thought_is_asked_with_all_text_before_and_after_its_boundary(corpus):
    text = make_texts(1, seed=9, words=30)[0]
    asked = requests(document(text, "web"), "latent_thoughts", corpus.tokenizer)
    offsets = dict(boundaries(corpus.tokenizer.offsets(text), 4) + boundaries(corpus.tokenizer.offsets(text), 2))
    build = builder("latent.v1")
    for request in asked:
        offset = offsets[request.boundary]
        assert request.prompt_ids == build.latent_thoughts(text[:offset], text[offset:])[0]
    assert Counter(Fraction(r.boundary).denominator for r in asked) == {3: 2, 5: 4}


def test_expected_tokens_count_every_thought():
    """Two G that share no boundary need more thoughts than the larger G."""
    assert expected_tokens(10, SETTINGS) == 10 * (4 * 1024 + 6 * 512)


class ScriptedEngine:
    """Finishes `at_once` tasks per step, the newest first; an answer is empty as often as its prompt says."""

    def __init__(self, at_once: int = 1) -> None:
        self.at_once, self.asked, self.queue, self.told = at_once, [], [], []

    def add(self, number, task) -> None:
        self.asked.append((task.prompt_ids[0], task.seed))
        self.queue.append((number, task.prompt_ids[0]))
        self.told.append("add")

    def forget(self) -> None:
        assert not self.queue, "a batch was opened before the one before it was whole"
        self.told.append("forget")

    def step(self) -> list[tuple[int, Completion]]:
        self.told.append(len(self.queue))
        finished = [self.queue.pop() for _ in range(min(self.at_once, len(self.queue)))]
        times = Counter(prompt for prompt, _ in self.asked)
        return [(number, Completion(" " if times[p] <= p else f"text {p}", 1, "stop")) for number, p in finished]


def batches_with(prompts: list[list[int]], asked: list) -> list[Batch]:
    """Batches whose requests have these prompts of one token."""
    template, shard = load_template("rephrase.v1"), Shard(None, "rephrase", [], len(prompts))
    requests_ = [[replace(asked[0], prompt_ids=[token]) for token in tokens] for tokens in prompts]
    return [Batch(shard, number, [], own, template) for number, own in enumerate(requests_)]


def drive(engine: ScriptedEngine, batches: list[Batch], **changes) -> tuple[list[int], list, list[int]]:
    """Numbers of the batches in the order in which they were whole, their answers, and tokens told of."""
    told = []
    found = list(Driver(engine, SETTINGS.model_copy(update=changes), told.append).run(batches))
    return [batch.number for batch, _ in found], [answers for _, answers in found], told


@pytest.mark.parametrize("batching", ["fixed", "continuous"])
def test_empty_answers_are_asked_again_with_their_next_seed(corpus, batching):
    asked = requests(corpus.rows[0], "rephrase", corpus.tokenizer)
    engine = ScriptedEngine(at_once=3)
    _, (answers,), told = drive(engine, batches_with([[0, 1, 2, 3]], asked), batching=batching, empty_retries=2)
    assert [(completion.text, attempt) for completion, attempt in answers] == [
        ("text 0", 0), ("text 1", 1), ("text 2", 2), (" ", 2),
    ]  # fmt: skip
    assert [seed for prompt, seed in engine.asked if prompt == 2] == [asked[0].seed(i) for i in range(3)]
    assert sum(told) == len(engine.asked)


def test_fixed_batches_never_meet_in_the_engine(corpus):
    """`forget`, which opens a batch, fails where tasks of another are under way; retries don't let one in either."""
    asked = requests(corpus.rows[0], "rephrase", corpus.tokenizer)
    engine = ScriptedEngine()
    numbers, answers, _ = drive(engine, batches_with([[0, 2, 0], [0], [], [1, 0]], asked), batching="fixed")
    assert numbers == [0, 1, 2, 3] and list(map(len, answers)) == [3, 1, 0, 2]
    assert engine.told.count("forget") == 4


def test_continuous_batching_keeps_the_engine_full_until_the_last_batch(corpus):
    asked = requests(corpus.rows[0], "rephrase", corpus.tokenizer)
    prompts = [[0] * 5 for _ in range(8)]
    engine = ScriptedEngine(at_once=2)
    numbers, answers, _ = drive(engine, batches_with(prompts, asked), batching="continuous")  # 8 sequences
    assert sorted(numbers) == list(range(8)) and all(len(own) == 5 for own in answers)
    under_way = [told for told in engine.told if isinstance(told, int)]
    last_batch = max(place for place, told in enumerate(engine.told) if told == "add")
    while_fed = [told for told in engine.told[:last_batch] if isinstance(told, int)]
    assert min(while_fed) >= 8 and under_way[-1] <= 2 and "forget" not in engine.told


def test_shard_is_written_with_its_last_batch_in_the_order_of_its_documents(corpus, tmp_path):
    rows = corpus.rows[:4]
    settings = SETTINGS.model_copy(update={"max_new_tokens": {"rephrase": 8}, "shards_per_job": 1})
    (shard,) = shards_of(rows, 0, settings, tmp_path)
    llm = Llm(model="test")
    found = list(batches_of(shard, settings, llm, WordTokenizer(), corpus.tokenizer))
    assert [len(batch.requests) for batch in found] == [8, 8] and shard.batches == 2
    answer = {"text": "words", "tokens": 3, "finish_reason": "stop", "attempt": 0}
    for batch, start in ((found[1], 7.0), (found[0], 0.0)):
        assert not shard.path.exists()
        batch.finish({"engine": "e", "seconds": 2.0, "engine_start_seconds": start, "answers": [answer] * 8}, llm)
    assert [row["doc_id"] for row in read_rows(shard.path)] == [row["doc_id"] for row in rows for _ in range(4)]
    record = read_json(tmp_path / "rephrase-0.0.json")
    assert (record["seconds"], record["engine_start_seconds"], record["tokens_per_second"]) == (4.0, 7.0, 12.0)


def test_what_a_text_depends_on_names_its_batch(corpus):
    (batch, other) = batches_with([[1], [2]], requests(corpus.rows[0], "rephrase", corpus.tokenizer))
    llm, key = Llm(model="test"), batch.key(Llm(model="test"), SETTINGS)
    assert key == batch.key(llm, SETTINGS.model_copy(update={"jobs": 9, "shards_per_job": 9, "server": "x"}))
    changes = [{"engine": "transformers"}, {"batching": "continuous"}, {"batch_invariant": True}, {"empty_retries": 0}]
    keys = [batch.key(llm, SETTINGS.model_copy(update=change)) for change in changes]
    keys += [key, other.key(llm, SETTINGS), batch.key(Llm(model="test", top_p=0.5), SETTINGS)]
    assert len(set(keys)) == 7


def test_shared_server_cannot_keep_batches_apart():
    values = {"llm": "test", "generated": 1, "counts": [1], "engine": "vllm-server"}
    with pytest.raises(ValueError, match="vllm-server mixes the batches of all jobs: set batching: continuous"):
        Generation(**values)
    assert Generation(**values, batching="continuous").sequences == 16


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_shards_cover_every_document_once_in_whole_batches(batch):
    """So a text, which depends on its batch, does not depend on the number of shards."""
    for documents in (0, 1, 2, 15, 16, 17, 50, 101):
        whole = list(batched(range(documents), batch))
        for shards in (1, 2, 3, 7, 160):
            parts = [slice_of(documents, shard, shards, batch) for shard in range(shards)]
            assert [i for part in parts for i in part] == list(range(documents))
            assert [group for part in parts for group in batched(part, batch)] == whole


def test_generations_are_read_up_to_g_without_dropped_ones(tmp_path):
    rows = [generation_row("a", "rephrase", g, f" text {g}\n") for g in range(4)]
    rows[1]["flags"], rows[2]["flags"] = ["empty", "truncated"], ["truncated"]
    path = write_shard(tmp_path / "rephrase-0.0.parquet", "rephrase", ["a", "b"], rows)
    assert list(read_generations([path], 3, SETTINGS)) == [("a", {0: "text 0", 2: "text 2"}), ("b", {})]
    strict = SETTINGS.model_copy(update={"drop_flags": ["truncated"]})
    assert list(read_generations([path], 4, strict)) == [("a", {0: "text 0", 3: "text 3"}), ("b", {})]


def test_thoughts_are_read_by_the_name_of_their_boundary(tmp_path):
    rows = [generation_row("a", "latent_thoughts", g, f"at {n}", n) for g, n in enumerate(studied_thoughts([2, 4]))]
    path = write_shard(tmp_path / "latent_thoughts-0.0.parquet", "latent_thoughts", ["a"], rows)
    ((_, found),) = read_generations([path], 2, SETTINGS)
    assert found["1/3"] == "at 1/3" and found["4/5"] == "at 4/5" and len(found) == 6


def test_gpus_that_share_a_model_are_part_of_a_batchs_name_when_there_are_several():
    """The name of a batch on one GPU is that of journals from before there was the setting."""
    request = Request("web-0", "rephrase", 0, None, [1, 2, 3], False, 48)
    batch = Batch(Shard(None, "rephrase", [], 1), 0, [], [request], load_template("rephrase.v1"))
    assert batch.key(Llm(model="test"), SETTINGS) == "84b598cedfb9e14f775918f2"
    assert batch.key(Llm(model="test", tensor_parallel=2), SETTINGS) != "84b598cedfb9e14f775918f2"
