"""Checkpoint in the form that `transformers.AutoModelForCausalLM` and vLLM load."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_directory, read_json
from workflow_scripts.config.models import Student
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.training.model import Llama, Ops


def export_student(model: Llama, vocabulary_size: int, tokenizer_path: str | Path, folder: str | Path) -> None:
    """Write fp32 weights, config and tokenizer; the folder appears whole."""
    tokenizer = StudentTokenizer(tokenizer_path)
    with atomic_directory(folder) as output:
        save_file(exported_weights(model), output / "model.safetensors", metadata={"format": "pt"})
        _write(output / "config.json", llama_config(model.settings, vocabulary_size, tokenizer))
        _write(output / "tokenizer_config.json", _tokenizer_config(model.settings, tokenizer))
        (output / "tokenizer.json").write_text(Path(tokenizer_path).read_text(encoding="utf-8"), encoding="utf-8")


def exported_weights(model: Llama) -> dict[str, torch.Tensor]:
    """Weights under the names that transformers uses; a tied head is left out."""
    weights = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
    head = weights.pop("lm_head.weight")
    renamed = {f"model.{name}": weight for name, weight in weights.items()}
    return renamed if model.settings.tied_embeddings else renamed | {"lm_head.weight": head}


def llama_config(s: Student, vocabulary_size: int, tokenizer: StudentTokenizer) -> dict:
    """config.json of a LlamaForCausalLM."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary_size,
        "hidden_size": s.hidden,
        "intermediate_size": s.feed_forward,
        "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads,
        "num_key_value_heads": s.key_value_heads,
        "head_dim": s.hidden // s.heads,
        "max_position_embeddings": s.max_context,
        "rms_norm_eps": s.norm_epsilon,
        "rope_theta": s.rope_theta,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": s.tied_embeddings,
        "initializer_range": s.initializer_std,
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": tokenizer.eos_id,
        "dtype": "float32",
    }


def load_student(folder: str | Path, precision: torch.dtype, ops: Ops | None = None) -> tuple[Llama, int]:
    """The exported student as our model, and its vocabulary size. Raises UserError when the folder is incomplete."""
    folder = Path(folder)
    if not (folder / "config.json").exists():
        raise UserError(f"{folder}: no config.json; this is not an exported student")
    config = read_json(folder / "config.json")
    model = Llama(_student_of(config), config["vocab_size"], precision, ops)
    weights = {name.removeprefix("model."): w for name, w in load_file(folder / "model.safetensors").items()}
    if config["tie_word_embeddings"]:
        weights["lm_head.weight"] = weights["embed_tokens.weight"]
    model.load_state_dict(weights)
    return model, config["vocab_size"]


def student_of_state(state: dict[str, torch.Tensor], student: Student, vocabulary_size: int) -> Llama:
    """The model that a training's state holds the weights of, in fp32."""
    model = Llama(student, vocabulary_size, torch.float32)
    own = dict(model.named_parameters())  # a tied head is not among them
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(state[f"weight/{name}"])
    return model


def _student_of(config: dict) -> Student:
    return Student(
        hidden=config["hidden_size"],
        feed_forward=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        key_value_heads=config["num_key_value_heads"],
        max_context=config["max_position_embeddings"],
        tied_embeddings=config["tie_word_embeddings"],
        rope_theta=config["rope_theta"],
        norm_epsilon=config["rms_norm_eps"],
        initializer_std=config["initializer_range"],
    )


def _tokenizer_config(s: Student, tokenizer: StudentTokenizer) -> dict:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokenizer.tokenizer.id_to_token(tokenizer.bos_id),
        "eos_token": tokenizer.tokenizer.id_to_token(tokenizer.eos_id),
        "model_max_length": s.max_context,
    }


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
