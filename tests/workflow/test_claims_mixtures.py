"""Claims about mixtures: quantities of packs worked out by hand, what is missing, and no mixing with other claims."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT, run_module
from tests.workflow.packs import D, pack, student, write_pack
from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.judge import joined, judge_measured
from workflow_scripts.claims.model import read_claims
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results

CLAIMS = read_claims(ROOT / "claims.yaml")
SIMULATED = "retraining_theory"  # needs no student
OWN = [claim for claim in CLAIMS if claim.id.startswith("mixtures_")]
OTHERS = [claim for claim in CLAIMS if claim not in OWN]
FAST = Analysis(bootstrap_draws=50)
BILLION = 10**9
BUDGETS = [BILLION, 2 * BILLION, 4 * BILLION, 8 * BILLION, 16 * BILLION]
LAWS = {  # E and B of B / sqrt(D) + E, D in billions of tokens
    ("real", 0.0): (3.00, 1.0),
    ("hq", 0.33): (2.90, 1.0),
    ("hq", 0.67): (2.95, 1.0),
    ("hq", 1.0): (3.05, 1.0),
    ("txbk", 1.0): (3.02, 1.5),
}
SHARES = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1]


def mixture(stream: str, share: float, budget: int, loss: float, study: str, **changes) -> dict:
    """A student of a mixture."""
    row = {"mixing_ratio": share, "budget_tokens": budget, "real_tokens": budget, "studies": study}
    return student(stream if share else "real", 0, loss, **(row | changes))


def budgets() -> list[dict]:
    """Every mixture at every budget, on its law; web text is harder by 0.2."""
    rows = []
    for (stream, share), (floor, factor) in LAWS.items():
        for budget in BUDGETS:
            loss = floor + factor * (budget / BILLION) ** -0.5
            rows.append(mixture(stream, share, budget, loss, "mixture_data", sets={"web": loss + 0.2}))
    return rows


def bowls(best: dict[int, float], depth: float = 0.5, noise: float = 0.0) -> list[dict]:
    """Question-answer students of all shares whose loss is lowest at a share that the budget has, of two seeds."""
    return [
        mixture("qa", share, budget, 3.5 + depth * (share - own) ** 2 + sign * noise * (1 + place % 3),
                "mixture_ratio", seed=seed)
        for budget, own in best.items()
        for place, share in enumerate(SHARES)
        for seed, sign in ((0, 1), (1, -1))
    ]  # fmt: skip


def quantity(results: Results, name: str, **arguments) -> Value | Refusal:
    return measure(Evidence(results, FAST), name, arguments)


AT_1B = 1 / (3.9 - 3.0) ** 2  # billions of natural tokens for the loss 3.9 of one billion mixed ones
AT_16B = ((3.25 - 2.9) / (3.25 - 3.0)) ** 2  # natural over mixed tokens for the loss of 16 billion natural ones
BETWEEN = (3.0 + 8**-0.5 - (2.9 + 8**-0.5)) / (8**-0.5 - 16**-0.5)  # share of the way from 8B to 16B, in log D
GOLDEN = {
    "loss, means over domains": ("mixture_difference", {"first": "hq 33%", "second": "natural"}, -0.1),
    "mean over budgets": (
        "mixture_difference", {"first": "txbk 100%", "second": "natural", "budget": "every"},
        0.02 + 0.5 * np.mean([n**-0.5 for n in (1, 2, 4, 8, 16)]),
    ),
    "gap shrinks": ("mixture_gap_change", {"first": "txbk 100%", "second": "natural"}, 0.5 / 4 - 0.5),
    "worst": ("mixture_excess", {"of": "txbk 100%", "over": "highest"}, (3.02 + 1.5 / 4) - (3.05 + 1 / 4)),
    "on domains": ("mixture_domain_gap", {"first": "txbk 100%", "second": "natural"}, 0.02 + 0.5 / 4),
    "held out": ("held_out_error", {"along": "tokens"}, 0),
    "lowest floor": ("floor_excess", {"of": "hq 33%", "over": "lowest"}, 2.9 - 2.95),
    "not the highest floor": ("floor_excess", {"of": "natural", "over": "highest"}, 3.0 - 3.05),
    "speed-up": ("speed_up_at_largest", {"of": "hq 33%"}, AT_16B),
    "speed-up grows": ("speed_up_growth", {"of": "hq 33%"}, AT_16B / AT_1B),
    "speed-up without a law": ("speed_up_interpolated", {"of": "hq 33%"}, 2**BETWEEN),
}  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_quantities_find_what_is_in_a_pack(name, arguments, expected):
    """Golden: by hand from the laws above; no student has noise, so that bands cover documents that cancel."""
    found = quantity(pack(budgets()), name, **arguments)
    assert found.estimate == pytest.approx(expected, abs=2e-3)
    assert found.low - 1e-9 <= found.estimate <= found.high + 1e-9 and found.high - found.low < 0.05
    assert found.documents >= 20


def test_best_share_of_a_bowl_and_how_it_moves():
    results = pack(bowls({BUDGETS[0]: 0.5, BUDGETS[-1]: 0.3}))
    assert quantity(results, "best_share", kind="qa", at="smallest").estimate == pytest.approx(0.5, abs=0.02)
    assert quantity(results, "best_share", kind="qa", at="largest").estimate == pytest.approx(0.3, abs=0.02)
    assert quantity(results, "best_share_change", kind="qa").estimate == pytest.approx(-0.2, abs=0.03)
    flat = quantity(pack(bowls({BUDGETS[0]: 0.5}, depth=0.001, noise=0.02)), "best_share", kind="qa", at="smallest")
    assert flat.kind == "not identified" and "flat within noise" in flat.reason
    one = quantity(pack(bowls({BUDGETS[0]: 0.5})), "best_share_change", kind="qa")
    assert one.kind == "not measured at this scale" and "one student and budget" in one.reason


def unigrams(values: dict[tuple, float]) -> pd.DataFrame:
    return pd.DataFrame([
        {"stream": stream, "mixing_ratio": share, "domain": domain, "kl_domain_train_nats": value}
        for (stream, share), value in values.items() for domain in ("validation", "web")
    ])  # fmt: skip


def test_unigrams_rank_or_do_not_rank_the_losses():
    """At 16B tokens the order of losses is hq 33%, hq 67%, natural, hq 100%, txbk 100%."""
    results, (claim, *_) = pack(budgets()), [claim for claim in OWN if claim.id.startswith("mixtures_t6")]
    order = [("hq", 0.33), ("hq", 0.67), ("real", 0.0), ("hq", 1.0), ("txbk", 1.0)]
    judged = {
        name: judge_measured(claim, Evidence(results, FAST, unigrams=table), "laptop")
        for name, table in {
            "same order": unigrams(dict(zip(order, range(5), strict=True))),
            "eight of ten pairs turned": unigrams(dict(zip(order, [4, 1, 3, 2, 0], strict=True))),
            "of other sets": unigrams({("hq", 0.5): 1.0}),
            "none": None,
        }.items()
    }
    assert judged["same order"].value.estimate == pytest.approx(1) and judged["same order"].verdict == "disagrees"
    turned = judged["eight of ten pairs turned"]
    assert turned.value.estimate == pytest.approx(-0.6) and turned.verdict == "agrees"
    assert judged["of other sets"].verdict == "not identified"
    assert judged["none"].verdict == "not measured at this scale" and "--unigrams" in judged["none"].reason


def megadocs() -> list[dict]:
    """Students with a validation set that those of mixtures lack."""
    sets = {"elsewhere": 4.1}
    return [
        *(student("real", 0, 4 - 0.1 * k, real_tokens=D * 2**k, sets=sets, studies="data_efficiency")
          for k in range(4)),
        *(student(stream, g, 3.95 - 0.01 * g, sets=sets, studies="data_efficiency generation_scaling")
          for stream in ("simple", "stitched", "latent") for g in (2, 8)),
    ]  # fmt: skip


def test_packs_of_one_paper_say_nothing_about_the_other_and_change_nothing_in_it():
    """Every claim on a pack without its students is not measured; beside the other paper's students it is the same."""
    mixed = [*budgets(), *bowls({BUDGETS[0]: 0.5, BUDGETS[-1]: 0.3})]
    apart = {"mixtures": pack(mixed), "megadocs": pack(megadocs()), "both": pack([*megadocs(), *mixed])}
    found = {
        name: {claim.id: judge_measured(claim, evidence, "laptop") for claim in CLAIMS}
        for name, evidence in ((name, Evidence(results, FAST)) for name, results in apart.items())
    }
    for own, foreign, claims in (("mixtures", "megadocs", OWN), ("megadocs", "mixtures", OTHERS)):
        verdicts = {found[foreign][claim.id].verdict for claim in claims if claim.figure != SIMULATED}
        assert verdicts == {"not measured at this scale"}
        assert all(found[own][claim.id] == found["both"][claim.id] for claim in claims)
        assert sum(found[own][claim.id].value is not None for claim in claims) >= 10
    columns = joined(joined({}, found["mixtures"]), found["megadocs"]), found["both"]
    values, together = ({name: (cell.verdict, cell.value) for name, cell in column.items()} for column in columns)
    assert values == together


def test_all_targets_have_claims_and_no_claim_is_beyond_its_source():
    assert {claim.id.split("_")[1] for claim in OWN} == {f"t{number}" for number in range(1, 8)}
    assert all(claim.published is None and claim.quantity and "computed" not in claim.why for claim in OWN)


def test_command_takes_unigrams(tmp_path):
    folder = write_pack(tmp_path / "pack", budgets())
    claim = next(claim for claim in OWN if claim.id == "mixtures_t6_divergence_does_not_rank")
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump([claim.model_dump(mode="json", exclude_none=True)]))
    unigrams({key: -floor for key, (floor, _) in LAWS.items()}).to_csv(tmp_path / "unigrams.csv", index=False)
    command = ["workflow_scripts.claims.check", "--results", "laptop", folder, "--output", tmp_path / "claims.json"]
    found = run_module(*command, "--unigrams", "laptop", tmp_path / "unigrams.csv", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    (record,) = json.loads((tmp_path / "claims.json").read_text())
    assert record["columns"]["laptop"]["verdict"] == "agrees"
    broken = run_module(*command, "--unigrams", "laptop", tmp_path / "none.csv", cwd=tmp_path)
    assert broken.returncode == 1 and "none.csv: cannot be read" in broken.stderr and "Traceback" not in broken.stderr
