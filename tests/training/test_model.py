"""The student's sizes, and that it computes what `transformers` computes from the exported folder."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Student
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.training.document_attention import document_mask
from workflow_scripts.training.export import export_student, load_student
from workflow_scripts.training.model import Llama, flops_per_token, parameter_counts

# Unlike the defaults in rotary base and epsilon, so that a value lost on the way to config.json shows.
SHAPES = {
    "untied, grouped": Student(hidden=32, feed_forward=48, layers=2, heads=4, key_value_heads=2, max_context=64,
                               rope_theta=50.0, norm_epsilon=0.01, initializer_std=0.2),
    "tied, one per head": Student(hidden=32, feed_forward=80, layers=3, heads=2, key_value_heads=2, max_context=32,
                                  rope_theta=500.0, norm_epsilon=0.01, initializer_std=0.2, tied_embeddings=True),
}  # fmt: skip
IDS = torch.randint(0, 260, (3, 32), generator=torch.Generator().manual_seed(0))


def random_student(shape: Student) -> Llama:
    """fp32 student whose norm weights are not ones."""
    model = Llama(shape, 260, torch.float32).initialise(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(len(name)))
    return model.eval()


@pytest.fixture(scope="module", params=SHAPES)
def exported(request, tmp_path_factory, tokenizer_path):
    """A student and the folder it was exported to."""
    model, folder = random_student(SHAPES[request.param]), tmp_path_factory.mktemp("export") / "model"
    export_student(model, 260, tokenizer_path, folder)
    return model, folder


@pytest.mark.parametrize(
    ("name", "total", "non_embedding"),
    [
        ("150m", 154_147_328, 22_813_184),
        ("300m", 299_649_792, 102_648_576),
        ("600m", 602_457_088, 339_788_800),
        ("1.5b", 1_540_732_416, 1_146_729_984),
    ],
)
def test_parameters_of_the_papers_students(name, total, non_embedding):
    """The facts' table, by formula and by counting the model's own weights."""
    shape = read_config("config.yaml").students[name]
    assert parameter_counts(shape, 128_256) == {"total": total, "non_embedding": non_embedding}
    with torch.device("meta"):
        assert sum(p.numel() for p in Llama(shape, 128_256).parameters()) == total


def test_parameters_of_a_tied_student():
    """By hand: 3 layers of 4*32*32 + 3*32*80 + 2*32, a norm of 32, and one table of 260*32."""
    expected = {"total": 43_872, "non_embedding": 35_552}
    assert parameter_counts(SHAPES["tied, one per head"], 260) == expected
    assert sum(p.numel() for p in Llama(SHAPES["tied, one per head"], 260).parameters()) == expected["total"]


@pytest.mark.parametrize(("name", "giga"), [("300m", 1.43), ("600m", 3.43), ("1.5b", 9.42)])
def test_flops_per_token(name, giga):
    """The facts' section 8."""
    flops = flops_per_token(read_config("config.yaml").students[name], 128_256, 4096)
    assert flops == pytest.approx(giga * 1e9, rel=0.01)


@torch.inference_mode()
def test_transformers_computes_the_same_logits(exported):
    """AutoModelForCausalLM reads the exported folder and agrees in fp32."""
    model, folder = exported
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    assert type(theirs).__name__ == "LlamaForCausalLM" and theirs.dtype == torch.float32
    ours = model(IDS)
    assert ours.std() > 0.5  # logits so near 0 that any two models agree would prove nothing
    torch.testing.assert_close(ours, theirs(IDS).logits, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_loading_an_export_changes_nothing(exported):
    """load_student: the same logits to the last bit, and the vocabulary size."""
    model, folder = exported
    loaded, vocabulary = load_student(folder, torch.float32)
    assert vocabulary == 260 and loaded.settings == model.settings
    assert torch.equal(loaded(IDS), model(IDS))


def test_exported_tokenizer(exported, tokenizer_path):
    """AutoTokenizer gives the same ids as the one that wrote the streams, and the text back, spaces included."""
    theirs, ours = AutoTokenizer.from_pretrained(exported[1]), StudentTokenizer(tokenizer_path)
    text = "the  hat , isn 't “flat” .\n\tNaïve 猫 <think>"
    ids = theirs(text, add_special_tokens=False)["input_ids"]
    assert [ours.bos_id, *ids, ours.eos_id] == ours.rows([text])[0]
    assert theirs.decode(ids) == text
    assert (len(theirs), theirs.bos_token_id, theirs.eos_token_id) == (260, ours.bos_id, ours.eos_id)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@torch.inference_mode()
def test_masked_attention_equals_each_document_alone(shape):
    """Rotary positions are relative, so a document inside a window gives its logits alone."""
    model, rows = random_student(shape), torch.tensor([[0] * 9 + [1] + [2] * 22])
    masked = model(IDS[:1], document_mask(rows))
    for part in (slice(0, 9), slice(9, 10), slice(10, 32)):
        torch.testing.assert_close(masked[:, part], model(IDS[:1, part]), atol=1e-4, rtol=0)
    assert (masked - model(IDS[:1]))[:, 10:].abs().max() > 0.1
