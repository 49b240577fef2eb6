"""Laws of mixtures: values by hand, planted laws that the analysis finds again, and what it refuses to say."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from tests.workflow.conftest import run_main
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results, empty
from workflow_scripts.evaluation.seed_noise import seed_noise
from workflow_scripts.planted.mixtures import PlantedMixtures
from workflow_scripts.scaling import best_ratio, mixtures
from workflow_scripts.scaling.best_ratio import best_on_grid, ratio_record, ratios_of
from workflow_scripts.scaling.domains import domain_settings, domains_of, settings_by_domain
from workflow_scripts.scaling.drawn_laws import ends, sizes_at
from workflow_scripts.scaling.floor_order import floor_order, ranks_of
from workflow_scripts.scaling.joint_law import joint_law, joint_record
from workflow_scripts.scaling.law import BILLION, NotIdentified
from workflow_scripts.scaling.limits import limit_of
from workflow_scripts.scaling.mixture_laws import DATA, MODEL, mixture_laws, rmabe
from workflow_scripts.scaling.mixture_records import law_record
from workflow_scripts.scaling.mixture_settings import mixture_name, mixture_settings
from workflow_scripts.scaling.ratio_bowl import fit_bowls
from workflow_scripts.scaling.speed_up import growth, interpolated, speed_up, speed_up_record

SHARE, DRAWS = 0.9, 100
BUDGETS = BILLION * np.array([0.25, 0.5, 1, 2, 4])
PARAMETERS = {"a": 0.5e9, "b": 1e9, "c": 2e9, "d": 4e9}
SHARES = [0, 0.1, 0.3, 0.5, 0.7, 1]
SEED_SD, SEEDS, DOCUMENTS = 0.003, 3, 60


def student(loss: float, seed: int = 0, studies: str = "mixture_data", **changes) -> dict:
    """A student of a mixture with its expected loss."""
    row = {"stream": "real", "mixing_ratio": 0.0, "student": "b", "budget_tokens": int(BILLION), "real_tokens": 1000}
    row |= {
        "lr": 0.003,
        "weight_decay": 0.1,
        "batch_sequences": 0,
        "context": 0,
        "cross_document_attention": True,
        "seed": seed,
    }
    row |= {"studies": studies, "loss": loss} | changes
    row["non_embedding_parameters"] = int(PARAMETERS[row["student"]])
    told_apart = ("stream", "mixing_ratio", "student", "budget_tokens", "lr")
    return row | {"run_id": "-".join(f"{row[key]}" for key in told_apart) + f"-s{seed}"}


def pack(students: list[dict], chance=None, domains=("validation", "news")) -> Results:
    """Results whose losses are the expected ones, with noise of seeds and documents where there is a `chance`.

    A document is as hard for all students; a domain has its own documents and its own level.
    """
    expected = np.array([row["loss"] for row in students])
    sums = np.add.outer(expected, np.linspace(-0.5, 0.5, DOCUMENTS)) + np.zeros((len(domains), 1, 1))
    sums += (np.arange(len(domains)) - (len(domains) - 1) / 2)[:, None, None]
    if chance is not None:
        sums += chance.normal(0, SEED_SD, (len(students), 1)) + chance.normal(0, 0.02, sums.shape)
    names, runs = np.array(domains), np.array([row["run_id"] for row in students])
    places = [index.ravel() for index in np.indices(sums.shape)]
    losses = pd.DataFrame({
        "run_id": runs[places[1]], "set": names[places[0]], "doc_id": places[0] * DOCUMENTS + places[2], "tokens": 100,
        "predicted_tokens": 100, "loss_sum_nats": 100 * sums.ravel(),
    })  # fmt: skip
    noise = empty("seed_noise") if chance is None else seed_noise(losses)
    return Results(pd.DataFrame(students), losses, empty("ensembles"), empty("downstream"), noise)


def over_budgets(law: tuple, budgets=BUDGETS, seeds: int = 1, **mixture) -> list[dict]:
    """Students of a mixture on A / D^b + E."""
    a, b, e = law
    return [
        student(a / (d / BILLION) ** b + e, seed, budget_tokens=int(d), **mixture)
        for d in budgets for seed in range(seeds)
    ]  # fmt: skip


def data_laws(students: list[dict], chance=None):
    return mixture_laws(mixture_settings(pack(students, chance), DRAWS, "mixture_data"), DATA, SHARE)


def test_domains_count_the_same_whatever_their_number_of_documents():
    rows = [("a", "validation", 10, 3.0), ("a", "news", 2, 4.0), ("a", "tuning", 5, 9.0), ("a", "short", 5, 9.0)]
    losses = pd.DataFrame(
        [{"run_id": run, "set": name, "doc_id": f"{name}{i}", "predicted_tokens": 10, "loss_sum_nats": 10 * loss}
         for run, name, count, loss in rows for i in range(count)]
    )  # fmt: skip
    students = pd.DataFrame([{"run_id": "a", "stream": "real", "studies": ""}])
    results = Results(students, losses, empty("ensembles"), empty("downstream"))
    assert domains_of(results) == ["news", "validation"]
    (found,) = domain_settings(results, 5, ("stream", "run_id"))
    assert (found.loss, found.documents, found.draws.tolist()) == (3.5, 12, [3.5] * 5)
    by_name = settings_by_domain(results, 5, ("stream", "run_id"), ["news"])
    assert {name: own[0].loss for name, own in by_name.items()} == {"news": 4.0}
    two = pd.concat([students, students.assign(run_id="b")])
    with pytest.raises(UserError, match="student b has no losses on the domain news"):
        domain_settings(Results(two, losses, empty("ensembles"), empty("downstream")), 5, ("stream", "run_id"))


def test_settings_that_differ_in_more_than_their_mixture_are_refused():
    students = [student(3.0), student(3.1, lr=0.01)]
    with pytest.raises(UserError, match="natural, student b, .*two settings differ in lr .0.003 and 0.01"):
        mixture_settings(pack(students), 5, "mixture_data")
    with pytest.raises(UserError, match="a data law needs one student, there are a, b"):
        data_laws([student(3.0), student(3.1, student="a")])
    with pytest.raises(NotIdentified, match="no student of the study mixture_size"):
        mixture_settings(pack(students), 5, "mixture_size")


def test_held_out_error_of_exact_laws_is_zero_and_of_a_loss_one_percent_higher_minus_0_99():
    students = over_budgets((1, 0.5, 2)) + over_budgets((1, 0.4, 1.9), stream="hq", mixing_ratio=0.33)
    students[-1]["loss"] *= 1.01
    natural, hq = data_laws(students)
    assert [mixture_name(law.mixture) for law in (natural, hq)] == ["natural", "hq 33%"]
    assert natural.held_out.errors[0] == pytest.approx(0, abs=1e-4)
    assert hq.held_out.errors[0] == pytest.approx(100 * (1 / 1.01 - 1), abs=1e-4)
    assert pytest.approx((1, 0.5, 2), rel=1e-4) == (natural.law.A, natural.law.B, natural.law.C)
    assert rmabe([natural, hq], SHARE)["rmabe_percent"] == pytest.approx(0.5 * 0.990, abs=1e-3)
    record = law_record(natural, SHARE)
    assert (record["points"], record["freedom"], record["held_out"]["freedom"]) == (5, 2, 1)
    assert record["by_huber"]["E"] == pytest.approx(2, abs=1e-3)


def test_three_points_predict_a_fourth_without_freedom_and_two_do_not():
    four, three = data_laws(over_budgets((1, 0.5, 2), BUDGETS[:4])), data_laws(over_budgets((1, 0.5, 2), BUDGETS[:3]))
    record = law_record(four[0], SHARE)
    assert (record["held_out"]["points"], record["held_out"]["freedom"], record["freedom"]) == (3, 0, 1)
    assert record["held_out"]["absolute_percent"] == pytest.approx(0, abs=1e-3)
    record = law_record(three[0], SHARE)
    assert "needs 3 budgets below the largest, there are 2" in record["held_out"]["status"]
    assert "needs 4 budgets, there are 3" in record["status"]
    assert record["E"] is record["E_band"] is record["held_out"]["error_percent"] is record["by_huber"] is None
    assert rmabe(three, SHARE)["rmabe_percent"] is None


PLANTED = {("real", 0.0): (0.6, 0.4, 2.6), ("hq", 0.33): (0.6, 0.4, 2.45), ("hq", 0.67): (0.6, 0.4, 2.5),
           ("qa", 0.33): (0.6, 0.4, 2.503)}  # fmt: skip
REPEATS = 30


@pytest.fixture(scope="module")
def repeated():
    """The laws of many draws of seeds and documents."""
    students = [row for (kind, share), law in PLANTED.items()
                for row in over_budgets(law, seeds=SEEDS, stream=kind, mixing_ratio=share)]  # fmt: skip
    return [data_laws(students, np.random.default_rng(repeat)) for repeat in range(REPEATS)]


def rate_bounds(repeats: int, share: float = SHARE) -> tuple[float, float]:
    """Numbers of bands that contain the truth which, once in a thousand, are fewer or more."""
    return tuple(binom.ppf([0.001, 0.999], repeats, share))


def test_predictions_of_planted_laws_are_within_half_a_percent_and_their_bands_contain_zero(repeated):
    errors = np.array([[law.held_out.errors[0] for law in laws] for laws in repeated])
    assert np.abs(errors).max() < 0.8 and np.sqrt((errors**2).mean()) < 0.25
    bands = [ends(laws[0].held_out.errors[1:], SHARE) for laws in repeated]
    assert rate_bounds(REPEATS)[0] <= sum(low <= 0 <= high for low, high in bands)


def test_bands_of_the_limit_contain_it_and_its_order_is_found_where_it_is_far_apart(repeated):
    inside = [laws[0].law.low <= PLANTED["real", 0.0][2] <= laws[0].law.high for laws in repeated]
    assert rate_bounds(REPEATS)[0] <= sum(inside)
    orders = [floor_order(laws, SHARE) for laws in repeated]
    far = [pair_share(order, "hq 33%", "natural") for order in orders]  # 0.15 nats apart
    near = [pair_share(order, "hq 67%", "qa 33%") for order in orders]  # 0.003
    assert np.mean(np.array(far) > 0.95) >= 0.95
    assert np.mean((np.array(near) > 0.05) & (np.array(near) < 0.95)) >= 0.8
    assert np.mean([order["ranking"][0]["mixture"] == "hq 33%" for order in orders]) >= 0.9


def pair_share(order: dict, lower: str, higher: str) -> float:
    """Share of draws in which the first E is the lower one, whichever way round it is recorded."""
    for pair in order["pairs"]:
        if (pair["lower"], pair["higher"]) == (lower, higher):
            return pair["share_of_draws"]
        if (pair["lower"], pair["higher"]) == (higher, lower):
            return 1 - pair["share_of_draws"]
    raise AssertionError(f"{lower} and {higher} are not compared")


def test_equal_limits_share_their_rank():
    assert ranks_of(np.array([[2.0, 1], [1, 1], [3, 0]])).T.tolist() == [[2, 1, 3], [2.5, 2.5, 1]]


EXACT = {"real": (1, 0.5, 2), "hq": (1, 0.5, 1.9)}


def exact_laws():
    hq = over_budgets(EXACT["hq"], stream="hq", mixing_ratio=0.33)
    return data_laws(over_budgets(EXACT["real"]) + hq)


def test_speed_up_is_the_one_worked_out_by_hand():
    """1 / sqrt(D) + 2 reaches 2.5 at D = 4, 1 / sqrt(D) + 1.9 at 1 / 0.36: 1.44 times fewer tokens; 1.21 times at 3."""
    tokens = sizes_at(np.array([[1, 0.5, 2], [1, 0.5, 1.9]]), np.array([3, 2.5, 1.95]))
    assert tokens[:, :2] == pytest.approx(np.array([[1, 4], [1 / 1.21, 1 / 0.36]]))
    assert np.isnan(tokens[0, 2]) and tokens[1, 2] == pytest.approx(400)
    natural, hq = exact_laws()
    found = speed_up(natural, hq)
    assert found.ratio[0] == pytest.approx(((found.losses - 1.9) / (found.losses - 2)) ** 2, rel=1e-3)
    assert found.losses[[0, -1]] == pytest.approx([3.9, 2.4], rel=1e-4)
    assert found.inside.sum() == sum(found.losses >= 2.5)  # the natural law has 2.5 at its largest budget
    losses, ratio = growth(found)
    assert ratio[0] == pytest.approx(np.divide(*[((x - 1.9) / (x - 2)) ** 2 for x in losses[::-1]]), rel=1e-3)
    record = speed_up_record(natural, hq, SHARE)
    assert record["growth"]["times"] > 1.2 and record["growth"]["share_growing"] == 1
    assert [point["where"] for point in record["points"]][-1] == "extrapolated"


def test_speed_up_without_a_law_is_log_linear_between_budgets():
    """At D = 1 the mixture has 2.9, natural text 3 at 1 and 2.7071 at 2: 2^(0.1 / 0.2929) = 1.267."""
    natural, hq = exact_laws()
    rows = {row["mixture_tokens"]: row for row in interpolated(natural, hq, SHARE)}
    assert rows[BILLION]["speed_up"] == pytest.approx(2 ** (0.1 / (1 - 2**-0.5)), rel=1e-6)
    assert rows[4 * BILLION]["speed_up"] is None  # 2.4 is below all natural losses


def test_speed_up_below_the_natural_limit_is_not_a_number():
    deep = over_budgets((1, 0.5, 1.4), stream="hq", mixing_ratio=0.33)
    natural, hq = data_laws(over_budgets(EXACT["real"]) + deep)
    points = speed_up_record(natural, hq, SHARE)["points"]
    assert points[-1]["loss_nats"] == pytest.approx(1.9, rel=1e-3)
    assert points[-1]["where"] == "below a limit" and points[-1]["speed_up"] is points[-1]["band"] is None


def bowl(best: float, power: float = 1.0, depth: float = 0.1):
    """Losses over SHARES whose lowest is at `best`."""
    return [3 + depth * (r**power - best**power) ** 2 for r in SHARES]


def ratios(losses, chance=None, seeds: int = SEEDS):
    students = [
        student(loss, seed, "mixture_ratio", stream="hq" if share else "real", mixing_ratio=float(share))
        for share, loss in zip(SHARES, losses, strict=True) for seed in range(seeds)
    ]  # fmt: skip
    (found,) = ratios_of(mixture_settings(pack(students, chance), DRAWS, "mixture_ratio"))
    return found


@pytest.mark.parametrize(("best", "power"), [(0.3, 1.0), (0.5, 1.0), (0.3, 0.6)])
def test_bands_of_the_best_share_contain_it_at_about_their_rate(best, power):
    chances = [np.random.default_rng([7, repeat]) for repeat in range(REPEATS)]
    found = [ratio_record(ratios(bowl(best, power), chance), SHARE) for chance in chances]
    assert rate_bounds(REPEATS)[0] <= sum(row["low"] <= best <= row["high"] for row in found)
    assert np.median([row["high"] - row["low"] for row in found]) < 0.35
    assert not any(best_ratio.EDGE in row["flags"] for row in found)


def test_best_share_of_none_is_at_the_edge_and_in_its_band():
    chances = [np.random.default_rng([8, repeat]) for repeat in range(REPEATS)]
    found = [ratio_record(ratios(bowl(0.0, depth=0.05), chance), SHARE) for chance in chances]
    assert rate_bounds(REPEATS)[0] <= sum(row["low"] == 0 for row in found)
    assert max(row["low"] for row in found) < 0.2
    assert any(best_ratio.EDGE in row["flags"] for row in found)


def test_flat_losses_have_no_best_share():
    chances = [np.random.default_rng([9, repeat]) for repeat in range(REPEATS)]
    found = [ratio_record(ratios([3.0] * len(SHARES), chance), SHARE) for chance in chances]
    assert np.mean([best_ratio.UNKNOWN in row["flags"] for row in found]) >= 0.85


def test_exact_bowls_have_their_optimum_between_the_shares():
    both = [3 + ((r**0.5 - (1 - r) ** 0.5) / 2 - (0.37**0.5 - 0.63**0.5) / 2) ** 2 for r in SHARES]
    losses = np.array([bowl(0.37), bowl(0.37, 3.0), both, SHARES, SHARES[::-1]])
    curves = fit_bowls(SHARES, losses)
    assert curves.best() == pytest.approx([0.37, 0.37, 0.37, 0, 1], abs=5e-3)
    assert curves.losses([0.37])[:3, 0] == pytest.approx([3, 3, 3], abs=2e-3)
    share, wins = best_on_grid(ratios(bowl(0.37)))
    assert share == 0.3 and wins.tolist() == [0, 0, 1, 0, 0, 0]


def chinchilla(n: float, d: float) -> float:
    return 1.8 + 0.3 / (n / BILLION) ** 0.35 + 0.4 / (d / BILLION) ** 0.3


def test_joint_law_predicts_what_it_was_not_fitted_to():
    places = [("b", d) for d in BUDGETS] + [(name, BILLION) for name in "acd"] + [("a", BUDGETS[0])]
    students = [student(chinchilla(PARAMETERS[name], d), student=name, budget_tokens=int(d)) for name, d in places]
    settings = mixture_settings(pack(students), 5, "mixture_data")
    record = joint_record(joint_law(("real", 0.0), settings), SHARE)
    assert (record["points"], record["freedom"]) == (7, 2)
    held_out = {(row["student"], row["budget_tokens"]) for row in record["held_out"]}
    assert held_out == {("d", BILLION), ("b", 4 * BILLION)}
    assert record["rmabe_percent"] < 0.02
    with pytest.raises(NotIdentified, match="5 points of 3 N and 3 D below the largest; .* needs 6"):
        joint_law(("real", 0.0), [s for s in settings if s.budget_tokens <= 2 * BILLION][:-1])


def test_command_writes_what_there_is_and_says_why_the_rest_is_missing(tmp_path, monkeypatch):
    found = pack(
        [student(loss, seed, "mixture_ratio", stream="hq" if share else "real", mixing_ratio=float(share))
         for share, loss in zip(SHARES, bowl(0.3), strict=True) for seed in range(2)]
        + over_budgets(EXACT["real"], BUDGETS[:4], student="a"),
        np.random.default_rng(0),
    )  # fmt: skip
    monkeypatch.setattr(mixtures, "read_results", lambda *folders: found)
    paths = {name: tmp_path / name for name in ("output", "summary", "ratios")}
    run_main(mixtures.main, results=["pack"], settings=Analysis(bootstrap_draws=50).model_dump_json(), **paths)
    record = json.loads(paths["output"].read_text())
    assert record["domains"] == ["news", "validation"]
    assert record["model_laws"]["status"] == "left out: there is no student of the study mixture_size"
    assert record["speed_ups"] == {"status": "fitted", "mixtures": []}
    assert record["order_of_E_over_tokens"]["status"].startswith("left out: E is identified for")
    laws, best = pd.read_csv(paths["summary"]), pd.read_csv(paths["ratios"])
    assert laws[["law", "mixture", "points"]].to_numpy().tolist() == [["data", "natural", 4]]
    assert best["low"].item() <= 0.3 <= best["high"].item()


TRUTH = PlantedMixtures()


def test_planted_mixtures_are_exact_laws_whose_best_shares_move_as_the_paper_s():
    sizes = np.array([0.1, 0.2, 0.5, 1.0])
    for kind, share in (("hq", 0.33), ("qa", 0.67), ("txbk", 1.0), ("real", 0.0)):
        losses = [TRUTH.loss(kind, share, 0.5, d) for d in sizes]
        found = limit_of(sizes, losses, np.array(losses)[:, None], SHARE, "budgets")
        assert pytest.approx(TRUTH.budget_exponent, rel=1e-3) == found.B
        assert TRUTH.loss(kind, 0.0, 0.5, 0.2) == TRUTH.loss("real", 0.0, 0.5, 0.2)
    fine = np.linspace(0, 1, 2001)
    for kind, small, large in (("hq", 0.3, 0.3), ("qa", 0.5, 0.3), ("txbk", 0.03, 0.06)):
        for (n, d), best in {(0.3, 0.1): small, (1, 1): large}.items():
            assert TRUTH.best_share(kind, n, d) == pytest.approx(best, abs=0.03)
            assert fine[np.argmin([TRUTH.loss(kind, r, n, d) for r in fine])] == pytest.approx(
                TRUTH.best_share(kind, n, d), abs=1e-3
            )


def test_own_text_costs_ever_more_where_it_replaces_and_a_bounded_sum_where_it_accumulates():
    natural = TRUTH.loss("real", 0.0, 1, 1)
    lost = {name: TRUTH.loss(name, 1.0, 1, 1) - natural for name in ("replace_r3", "accumulate_r3", "accumulate_r99")}
    assert lost["replace_r3"] == pytest.approx(0.15)
    assert lost["accumulate_r3"] == pytest.approx(0.05 * (1 + 1 / 4 + 1 / 9))
    assert lost["accumulate_r99"] < 0.05 * np.pi**2 / 6


def test_model_law_is_over_parameters_without_embeddings():
    students = [student(0.3 / (n / BILLION) ** 0.5 + 2, student=name, studies="mixture_size")
                for name, n in PARAMETERS.items()]  # fmt: skip
    (law,) = mixture_laws(mixture_settings(pack(students), 5, "mixture_size"), MODEL, SHARE)
    assert pytest.approx((0.3, 0.5, 2), rel=1e-3) == (law.law.A, law.law.B, law.law.C)
    assert law.held_out.setting.student == "d" and abs(law.held_out.errors[0]) < 1e-3
