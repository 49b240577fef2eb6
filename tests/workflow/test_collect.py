"""From students' losses to tables: short and long halves."""

import pandas as pd

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
