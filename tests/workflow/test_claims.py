"""Claims: public numbers give the papers' ratios, verdicts follow from bands, wrong entries are named."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml

from tests.workflow.conftest import ROOT, run_module
from tests.workflow.packs import D, ensemble_of, pack, student, write_pack
from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.judge import Cell, failures, judge_measured, judge_planted, verdict
from workflow_scripts.claims.model import read_claims
from workflow_scripts.claims.published_values import read_published
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.claims.recompute import RECOMPUTATIONS
from workflow_scripts.claims.table import number
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.scaling.law import DataLaw

CLAIMS = read_claims(ROOT / "claims.yaml")
BY_ID = {claim.id: claim for claim in CLAIMS}
FAST = Analysis(bootstrap_draws=50)
LAW = DataLaw(1e-3, 0.5, 3.0)  # of the hand-made real-only students; D in billions
MAIN = {"studies": "data_efficiency generation_scaling"}


def value_of(low: float, high: float, **changes) -> Value:
    return Value(**({"estimate": (low + high) / 2, "low": low, "high": high, "unit": "nats"} | changes))


GOLDEN = {
    "simple_efficiency": 1.484,
    "megadoc_efficiency": 1.823,
    "simple_loss": 3.411,
    "best_loss": 3.344,
    "regularised_efficiency": 2.270,
    "single_model_efficiency": 2.056,
    "ensemble_efficiency": 2.951,
    "joint_efficiency": 5.088,
    "joint_limit": 3.169,
    "joint_law_exponent": 0.229,
    "distillation_keeps": 82.6,
    "stream_alone_below_real": -0.0334,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_public_numbers_give_the_papers_values(name):
    """Golden: by hand, with the law in the middle of the published range, B = 0.235 and C = 1.925."""
    call, paper = BY_ID[name].published, BY_ID[name].paper
    found = RECOMPUTATIONS[call.name](read_published(), **call.arguments)
    assert found.estimate == pytest.approx(GOLDEN[name], abs=0.0006 * max(1, abs(GOLDEN[name])))
    assert found.low < found.estimate < found.high
    low, high = paper.interval(BY_ID[name].tolerance)
    assert found.low <= high and found.high >= low


VERDICTS = {
    "direction, whole band": ((-0.2, -0.1), (-np.inf, 0), True, None, "agrees"),
    "direction, band on both sides": ((-0.2, 0.1), (-np.inf, 0), True, None, "not identified"),
    "direction, wrong side": ((0.1, 0.2), (-np.inf, 0), True, None, "disagrees"),
    "value in the band": ((1.4, 1.6), (1.45, 1.51), False, 1, "agrees"),
    "band touches the tolerance": ((1.50, 1.6), (1.45, 1.51), False, 1, "agrees"),
    "band misses the tolerance": ((1.52, 1.6), (1.45, 1.51), False, 1, "disagrees"),
    "band holds no effect, too": ((0.9, 2.1), (1.45, 1.51), False, 1, "not identified"),
    "no band": ((1.48, 1.48), (1.45, 1.51), False, 1, "agrees"),
}


@pytest.mark.parametrize(("band", "interval", "one_sided", "nothing", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_verdict_follows_from_the_band(band, interval, one_sided, nothing, expected):
    assert verdict(value_of(*band), interval, one_sided, nothing) == expected


def sizes_and_streams(simple: float = 1.5, stitched: float = 1.9) -> list[dict]:
    """Real-only students of four D on a law, and two methods at G = 2 and 8 with these efficiencies at G = 8."""
    rows = [
        student("real", 0, float(LAW.loss(tokens)), real_tokens=tokens, **MAIN) for tokens in (D, 2 * D, 4 * D, 8 * D)
    ]
    for stream, efficiency in (("simple", simple), ("stitched", stitched)):
        for count, share in ((2, 0.5), (8, 1.0)):
            loss = float(LAW.loss(D * (1 + share * (efficiency - 1))))
            sets = {"short": loss, "long": loss - (0.02 if stream == "stitched" else 0.0)}
            rows.append(student(stream, count, loss, sets=sets, **MAIN))
    return rows


def quantity(results, name: str, **arguments) -> Value | Refusal:
    return measure(Evidence(results, FAST), name, arguments)


def test_quantities_find_what_is_in_a_pack():
    results = pack(sizes_and_streams())
    real, simple, stitched = (float(LAW.loss(D * efficiency)) for efficiency in (1, 1.5, 1.9))
    assert quantity(results, "data_efficiency", streams=["simple"]).estimate == pytest.approx(1.5, abs=1e-3)
    assert quantity(results, "data_efficiency", streams=["simple", "stitched"]).estimate == pytest.approx(1.9, abs=1e-3)
    gain = quantity(results, "gain_over_real", streams=["stitched"])
    assert gain.estimate == pytest.approx(real - stitched) and gain.documents == 20
    assert quantity(results, "worst_excess", stream="stitched", over="simple").estimate < 0
    assert quantity(results, "mean_excess", stream="simple", over="simple").estimate == 0
    assert quantity(results, "gap_by_length", stream="stitched", over="simple").estimate == pytest.approx(0.02)
    steps = np.diff([real, float(LAW.loss(D * 1.25)), simple])
    assert quantity(results, "largest_rise", stream="simple").estimate == pytest.approx(steps.max())
    bend = -steps[1] / np.log2(9 / 3) + steps[0] / np.log2(3)
    assert quantity(results, "bend", stream="simple", knee=4).estimate == pytest.approx(bend)


def test_interpolation_needs_no_law():
    """Half way in the logarithm of D between two measured sets."""
    rows = [student("real", 0, loss, real_tokens=tokens, **MAIN) for tokens, loss in ((D, 4.0), (4 * D, 3.0))]
    results = pack([*rows, student("simple", 8, 3.5, **MAIN), student("latent", 8, 2.9, **MAIN)])
    assert quantity(results, "interpolated_efficiency", streams=["simple"]).estimate == pytest.approx(2)
    beyond = quantity(results, "interpolated_efficiency", streams=["latent"])
    assert beyond.kind == "not identified" and "latent" in beyond.reason


def test_ensembles_have_their_asymptote():
    member = student("real", 0, 4.0, studies="ensembles")
    results = pack([member], ensembles=ensemble_of(member, [3 + 1 / k for k in range(1, 6)]))
    assert quantity(results, "ensemble_asymptote", streams=["real"]).estimate == pytest.approx(3, abs=1e-3)
    assert quantity(results, "ensemble_asymptote", streams=["latent"]).kind == "not measured at this scale"


def test_best_candidate_is_chosen_on_the_tuning_documents():
    rows = [student("real", 0, 4.0, **MAIN)]
    rows += [student("simple", 8, loss, sets={"tuning": tuning}, weight_decay=decay, **MAIN)
             for decay, loss, tuning in ((0.4, 3.5, 3.9), (0.8, 3.6, 3.8))]  # fmt: skip
    assert quantity(pack(rows), "loss", streams=["simple"]).estimate == pytest.approx(3.6)


def test_what_is_missing_is_said_and_not_guessed():
    claim = BY_ID["real_last_is_better"]
    cell = judge_measured(claim, Evidence(pack(sizes_and_streams()), FAST), "laptop")
    assert cell.verdict == "not measured at this scale" and "ordering" in cell.reason
    absolute = judge_measured(BY_ID["baseline_loss"], Evidence(pack(sizes_and_streams()), FAST), "laptop")
    assert absolute.verdict == "not measured at this scale" and absolute.value.estimate == pytest.approx(LAW.loss(D))
    hidden = judge_measured(BY_ID["real_ensemble_limit"], Evidence(pack(sizes_and_streams()), FAST), "laptop")
    assert hidden.value is None


def test_planted_truth_is_what_counts():
    evidence = Evidence(pack(sizes_and_streams()), FAST)
    claim = BY_ID["simple_efficiency"]  # the paper's 1.48, and 1.5 planted
    assert judge_planted(claim, evidence, 1.5).verdict == "agrees"
    assert judge_planted(claim, evidence, 1.7).verdict == "disagrees"


def test_a_claim_that_must_hold_fails_the_check_and_a_measured_one_does_not():
    claim = BY_ID["simple_efficiency"]
    wrong = {claim.id: Cell("disagrees", value_of(1.0, 1.1))}
    assert failures([claim], {"planted": wrong}) == ["simple_efficiency should hold in column planted, but: disagrees"]
    assert failures([claim], {"replication": wrong, "published": {claim.id: Cell("agrees")}}) == []


def test_every_claim_that_must_hold_is_computed_there():
    for claim in CLAIMS:
        assert "published" not in claim.holds_at or claim.published, claim.id
        assert "planted" not in claim.holds_at or claim.quantity, claim.id
    assert len({claim.sentence for claim in CLAIMS}) == len(CLAIMS) >= 50


BASE = {
    "id": "one", "sentence": "s", "figure": "ordering", "quantity": {"name": "loss", "streams": ["real"]},
    "paper": {"value": 1, "source": "[paper]"}, "why": "w", "computed": "c",
}  # fmt: skip
WRONG = {
    "quantity": ({"quantity": {"name": "los"}}, "one: quantity: 'los' is no quantity; they are loss, gain_over_real"),
    "argument": ({"quantity": {"name": "loss", "stream": "real"}}, "one: quantity: loss has no argument 'stream'"),
    "missing argument": ({"quantity": {"name": "loss"}}, "one: quantity: loss needs the argument 'streams'"),
    "figure": ({"figure": "orderings"}, "one: figure: no such figure; they are construction"),
    "recomputation": ({"published": {"name": "loss"}}, "one: published: 'loss' is no quantity"),
    "guess": ({"paper": {"value": 1, "source": "not public"}}, "source says not public: remove the one or the other"),
    "no value": ({"paper": {"source": "[paper]"}}, "give one of value, between, below, above"),
    "source": ({"paper": {"value": 1, "source": "rumour"}}, "paper.source"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_wrong_entry_is_named_in_a_sentence(tmp_path, change, message):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump([BASE | change]))
    with pytest.raises(UserError, match="not valid") as error:
        read_claims(path)
    assert message in str(error.value) and "Traceback" not in str(error.value)


def test_second_claim_of_an_id_is_refused(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump([BASE, BASE]))
    with pytest.raises(UserError, match="one: a second claim of this id"):
        read_claims(path)


def test_no_more_digits_than_the_band_supports():
    assert number(value_of(1.42, 1.56, estimate=1.4912)) == "1.49 [1.42, 1.56]"
    assert number(value_of(1.0, 2.0, estimate=1.4912)) == "1.5 [1.0, 2.0]"
    assert number(value_of(3.43, 3.43)) == "3.4300"


MEASURED = {"paper": {"above": 0.1, "source": "[paper]"}, "quantity": {"name": "gain_over_real", "streams": ["simple"]}}
MUST = {
    "paper": {"value": 9, "source": "[paper]"}, "quantity": None, "holds_at": ["published"],
    "published": {"name": "difference", "first": "real_only_300m", "second": "simple_g32"},
}  # fmt: skip


def test_command_writes_prints_and_ends_with_an_error_only_where_something_must_hold(tmp_path):
    """A measured disagreement is a result: status 0. A public number that fails its claim is an error: status 1."""
    folder = write_pack(tmp_path / "pack", sizes_and_streams(simple=1.02, stitched=1.0))
    claims, output = [BASE | {"id": "measured"} | MEASURED, BASE | {"id": "must"} | MUST], tmp_path / "out/claims.json"
    for count, status in ((1, 0), (2, 1)):
        (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claims[:count]))
        found = run_module("workflow_scripts.claims.check", "--check", "--results", "laptop", folder,
                           "--output", output, cwd=tmp_path, COLUMNS="90")  # fmt: skip
        assert found.returncode == status, found.stderr
    assert "error: must should hold in column published, but: disagrees" in found.stderr
    assert "laptop: s The paper: above 0.1; found:" in " ".join(found.stdout.split())
    records = {record["id"]: record["columns"] for record in json.loads(output.read_text())}
    assert records["measured"]["laptop"]["verdict"] == "disagrees"
    assert output.with_suffix(".md").exists() and output.with_suffix(".csv").read_text().count("\n") == 5
    again = run_module("workflow_scripts.claims.check", "--earlier", "laptop", output, cwd=tmp_path, COLUMNS="90")
    assert again.returncode == 0 and "laptop, yours" in again.stdout


def test_snakemake_claims_from_an_empty_folder(tmp_path):
    """One job, no training, and everything planted is found again: status 0. What the header promises a reviewer."""
    command = [sys.executable, "-m", "snakemake", "claims", "-c1", "--snakefile", ROOT / "Snakefile"]
    command += ["--directory", tmp_path, "--configfile", ROOT / "config.yaml"]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "300"})
    assert found.returncode == 0, found.stdout + found.stderr
    headings = next(line for line in found.stdout.splitlines() if line.startswith("claim "))
    assert headings.split()[1:4] == ["paper", "published", "planted"]
    lines = {line.split()[0]: line for line in found.stdout.splitlines() if line}
    assert lines["simple_efficiency"].count(" +") == 2 and " of 1.48 +" in lines["simple_efficiency"]
    assert not list(tmp_path.glob("results/*/runs"))
