"""Fits of all forms: hand-worked values, planted laws found, bands that hold, doubts spoken, errors before fitting."""

import json

import numpy as np
import pytest
from scipy.optimize import check_grad

from tests.workflow.conftest import run_module
from workflow_scripts.scaling.bands import bands_of, bootstrap, doubts
from workflow_scripts.scaling.fit import Problem, fit, objective, penalty
from workflow_scripts.scaling.forms import FORMS
from workflow_scripts.scaling.law import fit_data_law, fit_data_laws
from workflow_scripts.scaling.projection import nonnegative

CHANCE = np.random.default_rng(0)
GRID = {"n": np.tile(np.log([1e7, 1e8, 1e9, 1e10]), 8), "d": np.repeat(np.log(1e9 * 2.0 ** np.arange(8)), 4)}
REPEATED = GRID | {"u": GRID["d"] - np.log(np.tile([1, 4, 16, 64, 3], 32)[:32])}
SIZES = {"x": np.log(1000 * 2.0 ** np.arange(12))}
PLANTED = {
    "power_law": (SIZES, {"A": 40.0, "C": 1.9, "B": 0.35}),
    "ensemble": ({"x": np.log(np.arange(1, 9.0))}, {"A": 0.25, "C": 3.34, "B": 1.02}),
    "rectified": (SIZES, {"B": 900.0, "E": 1.2, "D_l": 150.0, "b": 0.7}),
    "chinchilla": (GRID, {"E": 1.8172, "A": 482.01, "B": 2085.43, "a": 0.3478, "b": 0.3658}),
    "data_constrained": (
        REPEATED,
        {"E": 1.87, "A": 521.0, "B": 1488.0, "a": 0.353, "b": 0.353, "R_D": 15.4, "R_N": 5.3},
    ),
}  # fmt: skip


def planted(name: str, noise: float = 0.0, chance: np.random.Generator = CHANCE, delta: float | None = None) -> Problem:
    columns, truth = PLANTED[name]
    form = FORMS[name]
    log_loss, _ = form.log_loss(np.log([truth[p] for p in form.parameters]), columns)
    losses = np.exp(log_loss + chance.normal(0, noise, len(log_loss)))
    return Problem(form, columns, losses, delta or form.delta)


HAND_WORKED = {
    "power_law": ({"x": 4.0}, {"A": 6, "C": 2, "B": 0.5}, 6 / 2 + 2),
    "rectified": ({"x": 16.0}, {"B": 10, "E": 1, "D_l": 6, "b": 0.5}, 10 / (6 + 4) + 1),
    "chinchilla": ({"n": 4.0, "d": 9.0}, {"E": 1, "A": 2, "B": 6, "a": 0.5, "b": 0.5}, 1 + 2 / 2 + 6 / 3),
    # D / U = 3, so 2 repeats: D' = 4 (1 + 2 (1 - 1/e)); best N for U = 4 tokens is (A / B)^(1/a) U = 1, so U_N = 1 and
    # N' = 1 + 1 (1 - exp(-3))
    "data_constrained": (
        {"n": 4.0, "d": 12.0, "u": 4.0},
        {"E": 1, "A": 2, "B": 4, "a": 0.5, "b": 0.5, "R_D": 2, "R_N": 1},
        1 + 2 / (2 - np.exp(-3)) ** 0.5 + 4 / (4 * (3 - 2 * np.exp(-1))) ** 0.5,
    ),
    # a model smaller than the best one for its unique tokens has no excess, and U larger than D counts as D
    "data_constrained, nothing repeated": (
        {"n": 0.25, "d": 4.0, "u": 9.0},
        {"E": 1, "A": 2, "B": 4, "a": 0.5, "b": 0.5, "R_D": 2, "R_N": 1},
        1 + 2 / 0.5 + 4 / 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sizes", "values", "loss"), HAND_WORKED.values(), ids=HAND_WORKED.keys())
def test_loss_of_hand_worked_points(request, sizes, values, loss):
    form = FORMS[request.node.callspec.id.split(",")[0]]
    columns = {role: np.log([size]) for role, size in sizes.items()}
    found, _ = form.log_loss(np.log([values[name] for name in form.parameters]), columns)
    assert np.exp(found[0]) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("delta", [None, 1e-3, np.inf])
@pytest.mark.parametrize("name", PLANTED)
def test_slopes_are_those_of_the_objective(name, delta):
    problem = planted(name, 0.01, np.random.default_rng(1), delta)
    problem = Problem(problem.form, problem.searched, problem.losses, delta)
    theta = np.log([0.5] * len(problem.form.parameters))
    slopes = objective(problem, theta, problem.columns)[1]
    distance = check_grad(
        lambda at: objective(problem, at, problem.columns)[0],
        lambda at: objective(problem, at, problem.columns)[1],
        theta,
    )
    assert distance < 1e-4 * np.linalg.norm(slopes)


def test_huber_is_the_papers():
    """Half the square up to delta, and a line beyond: delta (|r| - delta / 2)."""
    cost, slopes = penalty(np.array([-0.002, 0.0005, 0.003]), 1e-3)
    assert cost == pytest.approx([1.5e-6, 1.25e-7, 2.5e-6])
    assert slopes == pytest.approx([-1e-3, 5e-4, 1e-3])


def test_coefficients_are_never_negative():
    """The best line through (1, 1), (2, 0) has slope -1; without negative slopes it is the mean."""
    basis = np.array([[1.0, 1.0], [1.0, 2.0]])
    found, _ = nonnegative(basis @ basis.T, basis @ np.array([1.0, 0.0]))
    assert found == pytest.approx([0.5, 0])


@pytest.mark.parametrize("name", PLANTED)
def test_planted_law_is_found(name):
    problem, truth = planted(name), PLANTED[name][1]
    found = fit(problem)
    values = dict(zip(problem.form.parameters, np.exp(found.theta), strict=True))
    assert values == pytest.approx(truth, rel=0.02)
    assert found.objective < 1e-8


@pytest.mark.parametrize("name", ["power_law", "chinchilla"])
def test_optimum_is_at_least_as_good_as_the_truth_s(name):
    problem, truth = planted(name, 0.01, np.random.default_rng(3)), PLANTED[name][1]
    at_truth, _ = objective(problem, np.log([truth[p] for p in problem.form.parameters]), problem.columns)
    assert 0.3 * at_truth < fit(problem).objective < at_truth


def test_unit_of_sizes_changes_the_factor_alone():
    problem = planted("power_law", 0.01, np.random.default_rng(2))
    larger = Problem(problem.form, {"x": problem.columns["x"] - np.log(1000)}, problem.losses, None)
    (a, c, b), (a_larger, c_larger, b_larger) = (np.exp(fit(p).theta) for p in (problem, larger))
    assert (c_larger, b_larger) == pytest.approx((c, b), rel=1e-6)
    assert a_larger == pytest.approx(a / 1000**b, rel=1e-6)


def test_fixed_parameters_stay_and_the_others_are_found():
    problem, truth = planted("data_constrained"), PLANTED["data_constrained"][1]
    fixed = {name: truth[name] for name in ("E", "A", "B", "a", "b")}
    found = np.exp(fit(Problem(problem.form, problem.columns, problem.losses, 1e-3, fixed)).theta)
    assert found == pytest.approx([truth[name] for name in problem.form.parameters], rel=0.01)


def test_many_draws_of_the_data_law_are_those_fitted_one_by_one():
    tokens = 2e8 * 2.0 ** np.arange(5)
    losses = 1.27 / (tokens / 1e9) ** 0.232 + 1.92 + np.random.default_rng(0).normal(0, 0.01, (20, 5))
    losses[7] = 3.5
    found = fit_data_laws(tokens, losses)
    assert np.isnan(found[7]).all() and np.isfinite(np.delete(found, 7, axis=0)).all()
    for row in (0, 13):
        alone = fit_data_law(tokens, losses[row])
        assert found[row] == pytest.approx([alone.A, alone.B, alone.C])


@pytest.mark.parametrize("count", [12, 6], ids=["points", "residuals"])
def test_bands_hold_the_planted_values_about_as_often_as_they_say(count):
    """90% bands, 60 repeats; a bootstrap of few points is a little narrow."""
    truth = np.log([40.0, 1.9, 0.35])
    columns = {"x": SIZES["x"][:: 12 // count]}
    clean = np.exp(FORMS["power_law"].log_loss(truth, columns)[0])
    held = []
    for repeat in range(60):
        losses = clean + np.random.default_rng(repeat).normal(0, 0.02, count)
        problem = Problem(FORMS["power_law"], columns, losses, None)
        low, high = bands_of(bootstrap(problem, fit(problem), 100, repeat), 0.9)
        held.append((low < np.exp(truth)) & (np.exp(truth) < high))
    assert (np.mean(held, axis=0) >= 0.75).all()
    assert np.mean(held) <= 0.98


def test_every_draw_of_a_huber_fit_is_at_its_own_optimum():
    problem = planted("ensemble", 0.002, np.random.default_rng(5), 1e-3)
    drawn = bootstrap(problem, fit(problem), 20, 0)
    low, high = bands_of(drawn, 0.9)
    truth = list(PLANTED["ensemble"][1].values())
    assert (low < truth).all() and (truth < high).all()
    assert np.ptp(np.exp(drawn), axis=0).min() > 0


def doubted(losses: np.ndarray, columns: dict) -> set[str]:
    problem = Problem(FORMS["power_law"], columns, losses, None)
    found = fit(problem)
    return set(doubts(problem, found, bootstrap(problem, found, 100, 0), 0.9))


def test_what_the_points_do_not_show_is_doubted():
    noise = np.random.default_rng(4).normal(0, 0.01, 12)
    assert doubted(np.exp(FORMS["power_law"].log_loss(np.log([40.0, 1.9, 0.35]), SIZES)[0]) + noise, SIZES) == set()
    assert {"A", "B"} <= doubted(3.5 + noise, SIZES)  # flat
    assert {"A", "B"} <= doubted(np.linspace(3, 4, 12) + noise, SIZES)  # rising
    assert "C" in doubted(9 * np.exp(-0.1 * SIZES["x"]) + noise, SIZES)  # no floor


@pytest.fixture
def table(tmp_path):
    """Writes a CSV of K and loss; every row can be replaced by text."""

    def write(rows: int = 8, **replaced: str):
        lines = [f"{k},{0.25 / k**1.02 + 3.34:.6f}" for k in range(1, rows + 1)]
        for line, text in replaced.items():
            lines[int(line[1:]) - 2] = text
        (tmp_path / "points.csv").write_text("\n".join(["K,loss", *lines]) + "\n", encoding="utf-8")
        return tmp_path

    return write


def command(folder, *options: str, form: str = "ensemble"):
    return run_module(
        "workflow_scripts.scaling.fit_law", "--form", form, "--data", "points.csv", "--loss", "loss", *options,
        "--draws", "20", cwd=folder,
    )  # fmt: skip


def test_command_prints_and_writes_the_fit(table):
    folder = table()
    result = command(folder, "--n", "K", "--json", "fit.json")
    assert result.returncode == 0, result.stderr
    found = json.loads((folder / "fit.json").read_text())
    assert found["parameters"] == pytest.approx({"A": 0.25, "B": 1.02, "C": 3.34}, rel=1e-3)
    assert found["identified"] is True and found["objective"] < 1e-10
    assert len(found["residuals"]) == 8 and found["bands"]["C"][0] <= 3.3401 <= found["bands"]["C"][1] + 2e-4
    for text in ("L = A / K^B + C", "90% band", "line 9", "20 bootstrap draws of residuals"):
        assert text in result.stdout


def test_command_says_what_is_not_identified(table):
    folder = table(l2="1,3.3")  # the loss of one member is below that of all others
    result = command(folder, "--k", "K", "--json", "fit.json")
    assert result.returncode == 0 and "NOT IDENTIFIED: B" in result.stdout
    assert json.loads((folder / "fit.json").read_text())["identified"] is False


ERRORS = {
    "not a number": ({"l4": "3,abc"}, ["--n", "K"], "points.csv, line 4, column 'loss': 'abc' is not a number"),
    "empty": ({"l5": "4,"}, ["--n", "K"], "line 5, column 'loss': '' is not a number"),
    "nan": ({"l5": "4,nan"}, ["--n", "K"], "line 5, column 'loss': nan is not a positive number"),
    "negative": ({"l3": "-2,3.4"}, ["--n", "K"], "line 3, column 'K': -2 is not a positive number"),
    "too few": ({"rows": 3}, ["--n", "K"], "3 points; ensemble has 3 free parameters and needs at least 4 points"),
    "one size": ({f"l{i}": "1,3.4" for i in range(2, 10)}, ["--k", "K"], "the size has 1 different values"),
    "no such column": ({}, ["--n", "members"], "0 columns are named 'members'; it has ['K', 'loss']"),
    "no column": ({}, [], "give one of --n, --d, --k with its column, not none"),
    "one too many": ({}, ["--n", "K", "--d", "K"], "give one of --n, --d, --k with its column, not --n --d"),
    "unknown parameter": ({}, ["--n", "K", "--fix", "E=2"], "--fix E=2: ensemble has the parameters A, C, B"),
    "delta": ({}, ["--n", "K", "--delta", "-1"], "--delta -1.0: it must be a positive number"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "options", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_name_file_line_and_fix(table, monkeypatch, content, options, message):
    assert_refused(table(**content), monkeypatch, options, message, "ensemble")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n", "K"], "--form chinchilla needs --d with the name of the column of trained tokens"),
        (["--n", "K", "--d", "K", "--u", "K"], "--u K: --form chinchilla takes --n, --d and --loss only; leave it out"),
    ],
)
def test_forms_of_two_sizes_say_which_columns_they_need(table, monkeypatch, options, message):
    assert_refused(table(), monkeypatch, options, message, "chinchilla")


def assert_refused(folder, monkeypatch, options, message, form):
    from workflow_scripts.common.errors import UserError
    from workflow_scripts.scaling.fit_law import checked, parser_of

    monkeypatch.chdir(folder)
    line = ["--form", form, "--data", "points.csv", "--loss", "loss", *options]
    with pytest.raises(UserError) as error:
        checked(parser_of().parse_args(line))
    assert message in str(error.value)
