"""Methods of writing synthetic text, as far as they need no model: what they ask, in which order, what they read."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.load import read_config
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.methods import beyondweb, finephrase, latent, mga, textbook, wrap
from workflow_scripts.methods.asking import Answer, Asked, Prompted
from workflow_scripts.methods.costs import Costs, parameters_in
from workflow_scripts.methods.neighbours import neighbours
from workflow_scripts.methods.toedit import chosen, drawn
from workflow_scripts.methods.tools import Tools
from workflow_scripts.methods.write import PACKAGE, writer_of

PASSAGES = [{"doc_id": f"d#{i}", "text": text} for i, text in enumerate(("Rain fell in Lund.", "Snow fell in Oslo."))]


class Echo:
    """Answers every prompt with its values; says `Genre` lines where pairs are asked for."""

    settings = SimpleNamespace(think_open="<", think_close=">")

    def __init__(self, pairs: str = "") -> None:
        self.asked: list[Asked] = []
        self.pairs = pairs

    def answers(self, asked, new_tokens=None) -> list[Answer]:
        self.asked += asked
        said = [self.pairs if one.kind == "pairs" else " ".join(one.values.values()) for one in asked]
        return [Answer(one, text, True) for one, text in zip(asked, said, strict=True)]


def tools_with(settings: dict, texts: int, asker: Echo | None = None, name: str = "some") -> Tools:
    documents = [{"doc_id": "d", "text": " ".join(row["text"] for row in PASSAGES)}]
    return Tools(name, settings, documents, PASSAGES, texts, 100, None, asker or Echo())


def test_every_method_of_the_config_has_its_module():
    for name, method in read_config(Path("config.yaml")).methods.items():
        assert (Path(*PACKAGE.split(".")) / f"{method.module}.py").exists(), name
    with pytest.raises(UserError, match=r"methods/of_nobody\.py"):
        writer_of("of_nobody")


@pytest.mark.parametrize(("module", "prompts"), [(wrap, wrap.STYLES), (finephrase, finephrase.FORMATS)])
def test_kinds_come_in_turn(module, prompts):
    texts = list(module.write(tools_with({}, 6)))
    kinds = list(prompts)
    assert [(text.doc_id, text.number) for text in texts] == [(row["doc_id"], i) for row in PASSAGES for i in range(6)]
    assert [text.kind for text in texts[:6]] == [*kinds, *kinds[:2]]
    assert all("{document}" in template.user for template in prompts.values())


def test_the_next_document_begins_with_the_next_kind():
    """With fewer texts than kinds, none would otherwise be written of the last kinds at all."""
    tools = tools_with({}, 1)
    tools.passages = [{"doc_id": f"{doc}#{i}", "text": "t"} for doc in ("a", "b", "c", "d", "e") for i in range(2)]
    kinds = {text.doc_id: text.kind for text in wrap.write(tools)}
    styles = list(wrap.STYLES)
    assert [kinds[f"{doc}#0"] for doc in "abcde"] == [*styles, styles[0]]
    assert all(kinds[f"{doc}#0"] == kinds[f"{doc}#1"] for doc in "abcde")


def seeds(formats: list[str]) -> dict[tuple, int]:
    """By passage, kind and the kind's own number."""
    echo = Echo()
    list(beyondweb.write(tools_with({"formats": formats}, 2, echo, f"beyondweb_{len(formats)}")))
    requests = {(one.doc_id, one.kind, one.number): one for one in echo.asked}
    return {key: Prompted(*key[::2][:1], "method", key[2], None, [], False, 9, key[1]).seed(0) for key in requests}


def test_formats_share_their_texts_whatever_their_number():
    one, two = seeds(["qa"]), seeds(["qa", "summary"])
    shared = set(one) & set(two)
    assert {key[1:] for key in shared} == {("qa", 0)} and all(one[key] == two[key] for key in shared)
    assert len(set(one.values())) == len(one)


@pytest.mark.parametrize("formats", [["qa", "poem"], []])
def test_unknown_formats_are_named(formats):
    with pytest.raises(UserError, match=r"beyondweb_1\.settings\.formats.*qa, summary"):
        list(beyondweb.write(tools_with({"formats": formats}, 1, name="beyondweb_1")))


def test_pairs_are_read_and_filled_up():
    text = """1. Genre: Travel guide; Audience: **Families**.
    2. genre: diary, audience: old friends
    Genre: diary; Audience: old friends
    Genre: letter
    Here is what I did with the genre and the audience.
    Genre: a text that goes on and on and on; Audience: nobody"""
    pairs = mga.pairs_of(text)
    assert pairs == [("travel guide", "families"), ("diary", "old friends")]
    assert mga.filled_up(pairs, 1) == [("reformulated", pairs[0])]
    kinds, filled = zip(*mga.filled_up(pairs, 20), strict=True)
    assert kinds == ("reformulated",) * 2 + ("fallback",) * 18 and filled[2:4] == tuple(mga.FALLBACK[:2])


def test_a_listed_pair_is_not_used_twice():
    named = [mga.FALLBACK[0]]
    assert [pair for _, pair in mga.filled_up(named, 3)] == mga.FALLBACK[:3]


def test_reformulations_are_for_the_pairs():
    echo = Echo("1. Genre: ode; Audience: sailors")
    texts = list(mga.write(tools_with({}, 2, echo)))
    assert [(text.kind, text.number) for text in texts] == [("reformulated", 0), ("fallback", 1)] * 2
    assert texts[0].text == "Rain fell in Lund. ode sailors" and "short story" in texts[1].text


def test_textbook_sections_have_keywords_of_the_documents():
    words = ["harbour", "winter", "orchard", "lantern"]
    documents = [{"doc_id": str(i), "text": f"{' '.join(words)} only{'xyz'[i]}"} for i in range(3)]
    tools = tools_with({}, 2, name="textbook")
    tools.documents = documents
    texts = list(textbook.write(tools))
    assert [text.doc_id for text in texts] == [f"textbook-{i:08d}" for i in range(4)]
    assert all(len(drawn) == 3 and set(drawn) <= set(words) for drawn in (text.text.split(", ") for text in texts))
    tools.documents = documents[:1]
    with pytest.raises(UserError, match="methods.textbook: the documents have 0 keywords"):
        list(textbook.write(tools))


def test_latent_thoughts_stand_at_inner_boundaries(tmp_path):
    tools, echo = tools_with({"boundaries": 1}, 7), Echo()
    tools.asker, tools.tokenizer = echo, words_of(tmp_path)
    [megadoc] = latent.write(tools)
    [asked] = echo.asked
    prefix, suffix = asked.values["prefix"], asked.values["suffix"]
    assert asked.kind == "1/2" and prefix and suffix and prefix + suffix == tools.documents[0]["text"]
    thought = f"{prefix} {suffix}".strip()
    assert megadoc.text == f"{prefix}<{thought}>{suffix}" and (megadoc.kind, megadoc.number) == ("megadoc", 0)


def words_of(folder: Path) -> StudentTokenizer:
    from tokenizers import Tokenizer, models, pre_tokenizers

    alphabet = ["<|begin_of_text|>", "<|end_of_text|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return StudentTokenizer(folder / "tokenizer.json")


def test_neighbours_are_of_other_documents_and_no_copies():
    flood = "heavy rain flooded the harbour of lund on friday and closed three shops"
    texts = [flood, flood, flood.replace("friday and closed three", "monday so nobody opened his"), "a cat sleeps", "x"]
    pairs, largest = neighbours(texts, list("abcde"), 0.1, 0.95, 2)
    assert pairs == [(0, 2), (1, 2), (2, 0), (2, 1)] and 0.1 < largest < 0.95
    assert neighbours(texts, list("aaade"), 0.1, 0.95, 2) == ([], 0.0)
    assert neighbours(texts, list("abcde"), 0.1, 2.0, 1)[1] == pytest.approx(1)
    assert neighbours(texts, list("abcde"), 0.99, 0.95, 2)[0] == []


def test_toedit_replaces_what_the_prior_is_sure_of():
    assert chosen(np.array([0.2, 0.99, 0.98999, 1.0]), 0.99).tolist() == [1, 3]
    known, ids = np.log([[0.97, 0.02, 0.01]] * 4000), np.array([[7, 8, 9]] * 4000)
    plain, flat = (drawn(known, ids, temperature, 1) for temperature in (1.0, 1e9))
    assert [(plain == token).mean() for token in (7, 8, 9)] == pytest.approx([0.97, 0.02, 0.01], abs=0.01)
    assert [(flat == token).mean() for token in (7, 8, 9)] == pytest.approx([1 / 3] * 3, abs=0.03)
    assert (drawn(known, ids, 1.0, 1) == plain).all() and drawn(known[:0], ids[:0], 1.0, 1).shape == (0,)


def test_costs_add_up(tmp_path):
    header = b'{"__metadata__":{"format":"pt"},"a":{"shape":[3,4]},"b":{"shape":[]}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert parameters_in(tmp_path) == 13
    costs = Costs()
    costs.use("a", 13, read=2, written=3)
    costs.use("a", 13, trained=5)
    assert costs.flops == 13 * (2 * 5 + 6 * 5) and (costs.read_tokens, costs.trained_tokens) == (2, 5)
