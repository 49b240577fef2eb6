"""From students' losses to tables: short and long halves, loss per token, the best candidate of a search."""

import pandas as pd

from workflow_scripts.evaluation.choose import best, candidates
from workflow_scripts.evaluation.collect import with_halves


def test_halves_are_by_tokens_and_complete():
    tokens = [50, 10, 30, 20, 40]
    rows = pd.DataFrame({"set": "validation", "doc_id": list("abcde"), "tokens": tokens, "loss_sum_nats": 1.0})
    found = with_halves(rows)
    assert set(found[found["set"] == "short"]["doc_id"]) == {"b", "d"}
    assert set(found[found["set"] == "long"]["doc_id"]) == {"a", "c", "e"}
    assert (found["set"] == "validation").sum() == 5


def test_own_short_documents_are_kept():
    own = {"set": ["validation", "validation", "short"], "doc_id": ["a", "b", "s"], "tokens": [1, 2, 3]}
    found = with_halves(pd.DataFrame(own))
    assert found[found["set"] == "short"]["doc_id"].tolist() == ["s"]
    assert found[found["set"] == "long"]["doc_id"].tolist() == ["b"]


def candidate(stream: str, epochs: int, loss: float, name: str = "tuning") -> dict:
    """One candidate of a search with its loss on a set."""
    return {
        "set": name, "student": "tiny", "stream": stream, "generations": 2, "real_tokens": 64, "real_epochs": epochs,
        "mixing_ratio": 0.5, "lr": 0.01, "weight_decay": 0.4, "seed": 0, "loss_nats": loss, "steps": 1,
        "run_id": f"{stream}-e{epochs}",
    }  # fmt: skip


def test_best_candidate_is_that_of_the_tuning_documents():
    rows = [candidate("simple", 8, 3.1), candidate("simple", 4, 3.0), candidate("latent", 4, 3.2)]
    rows += [candidate("simple", 8, 2.0, "validation"), candidate("simple", 4, 2.5, "validation")]
    table = candidates(pd.DataFrame(rows), "tuning")
    assert table[table["stream"] == "simple"]["tuning_loss_nats"].tolist() == [3.0, 3.1]
    chosen = best(table, "smoke").set_index("stream")
    assert chosen["real_epochs"].to_dict() == {"simple": 4, "latent": 4}
    assert chosen.loc["simple", "origin"].startswith("best of 2 candidates")
    assert set(chosen["scale"]) == {"smoke"}
