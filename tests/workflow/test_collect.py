"""From students' losses to tables: short and long halves, no student that diverged, packs read and written again."""

import numpy as np
import pandas as pd
import pytest

from tests.workflow import results_folder
from tests.workflow.test_runs import shipped_config
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_json
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.evaluation.collect import require_finite
from workflow_scripts.evaluation.results import read_results, with_halves, write_results
from workflow_scripts.scaling.bootstrap import settings_of


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


def test_student_that_diverged_is_named_with_its_learning_rate(tmp_path):
    runs = expand_runs(shipped_config("smoke"))[:2]
    for run, content in zip(runs, ({"train_loss_nats": 5.0}, {"diverged_at_step": 7}), strict=True):
        write_json(tmp_path / f"runs/{run.run_id}/metrics.json", content)
    require_finite(tmp_path, runs[:1])
    with pytest.raises(
        UserError, match=rf"{runs[1].run_id}/metrics.json: .* diverged at step 7; lower its lr from 0.003"
    ):
        require_finite(tmp_path, runs)


def test_pack_that_is_read_and_written_again_keeps_its_bytes_and_bands(tmp_path):
    """Document b, the only one of `long`, is in the file before a: what is drawn must not depend on that."""
    write_results(tmp_path / "first", results_folder.pack())
    again = read_results(tmp_path / "first")
    write_results(tmp_path / "second", again)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
    for own, shipped in zip(*(settings_of(r, "validation", 50) for r in (results_folder.pack(), again)), strict=True):
        np.testing.assert_array_equal(own.draws, shipped.draws)
