"""Columns of the tables of a SynPro pack (arXiv 2605.17849) with their types; a `number` may be empty (NaN)."""

REMEDY = "make the pack again by `snakemake synpro`"
TEXT, WHOLE, NUMBER, FLAG = "text", "whole number", "number", "true or false"
_STUDENT = {"pretraining": TEXT, "seed": WHOLE}
_PLACE = _STUDENT | {"step": WHOLE, "tokens": WHOLE}
COLLAPSE = (
    "frechet_distance",
    "ngram_novelty",
    "self_bleu",
    "unigram_tail_coverage",
    "unigram_entropy_bits",
    "copied_share",
)

COLUMNS: dict[str, dict[str, str]] = {
    "pretrainings": _STUDENT
    | {
        "title": TEXT,
        "role": TEXT,  # repetition, oracle, static, round, ablation
        "start": TEXT,  # the pretraining whose plateau it continues from, or empty
        "sets": TEXT,  # joined by ;
        "organic_tokens": WHOLE,
        "synthetic_tokens": WHOLE,
        "steps": WHOLE,
        "tokens": WHOLE,
        "start_tokens": WHOLE,
        "plateau_tokens": WHOLE,
        "plateau_reached": FLAG,
        "training_flops": NUMBER,
        "generation_flops": NUMBER,
        "organic_epochs": NUMBER,
    },
    "evaluations": _PLACE | {"set": TEXT, "loss_nats": NUMBER},
    "parts": _PLACE | {"set": TEXT, "part": WHOLE, "loss_sum_nats": NUMBER, "predicted_tokens": WHOLE},
    "sets": {
        "set": TEXT,
        "title": TEXT,
        "operation": TEXT,
        "rewards": TEXT,  # JSON of weights
        "student": TEXT,
        "standardise": TEXT,  # empty for `organic`
        **dict.fromkeys(
            ["texts", "ok", "truncated", "wrong_format", "empty", "tokens", "generated_tokens", *COLLAPSE], NUMBER
        ),
    },
    "rewards": {"set": TEXT, "step": WHOLE, "split": TEXT, "measure": TEXT}
    | dict.fromkeys(["mean", "sd", "n", "excluded"], NUMBER),
    "influence": {"set": TEXT, "pretraining": TEXT, "seed": WHOLE, "step": WHOLE, "tokens": WHOLE}
    | dict.fromkeys(["texts", "positive_share", "mean_nats", "sd_nats", "gain_nats", "gain_sd_nats"], NUMBER),
    "in_loop": _STUDENT | {"task": TEXT, "metric": TEXT, "value": NUMBER, "stderr": NUMBER, "questions": NUMBER},
    "rater": {"name": TEXT, "value": NUMBER, "n": NUMBER, "note": TEXT},
}
KEYS: dict[str, list[str]] = {
    "pretrainings": ["pretraining", "seed"],
    "evaluations": ["pretraining", "seed", "step", "set"],
    "parts": ["pretraining", "seed", "step", "set", "part"],
    "sets": ["set"],
    "rewards": ["set", "step", "split", "measure"],
    "influence": ["set", "pretraining", "seed", "step"],
    "in_loop": ["pretraining", "seed", "task", "metric"],
    "rater": ["name"],
}
MAY_BE_EMPTY = {"in_loop", "rewards", "influence", "rater"}
