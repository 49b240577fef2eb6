"""Fit a scaling law to the points of any CSV: parameters, objective, residuals, bootstrap bands, and what to doubt.

Forms and their columns (sizes in any unit; parameters refer to the unit of the columns as they are):
  power_law         L = A / D^B + C                   --d (or --n, --k: the one size)
  ensemble          L = A / K^B + C                   --k (or --n, --d)
  rectified         L = B / (D_l + D^b) + E           --d (or --n, --k)
  chinchilla        L = E + A / N^a + B / D^b         --n --d
  data_constrained  the same with N' and D', in which repeats of --u unique tokens decay (Muennighoff et al., 2023)
  repetition        L = E + B / D_eff^a + gamma h      --d --u --h; D_eff: --u unique tokens, repeats of which saturate
  repetition_sizes  the same + C / N^c                --d --u --h --n

All but chinchilla and data_constrained minimise squared errors of the loss; with --delta they, and those two always,
minimise the sum of Huber losses of the errors of its logarithm (Hoffmann et al., 2022). All parameters are positive.
"""

import argparse
import math

import numpy as np

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import sha256, write_json
from workflow_scripts.scaling.bands import bands_of, bootstrap, condition, doubts, resampling
from workflow_scripts.scaling.fit import Fit, Problem, fit
from workflow_scripts.scaling.forms import FORMS, Form
from workflow_scripts.scaling.points import ROLES, Points, read_points, require_enough, roles_of

LISTED = 40  # residuals that are printed; more are in the JSON


def fixed_of(form: Form, given: list[str]) -> dict[str, float]:
    """Parameters given as NAME=VALUE. Raises UserError for another name or a value that is not positive."""
    fixed = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in form.parameters:
            raise UserError(f"--fix {text}: {form.name} has the parameters {', '.join(form.parameters)}")
        try:
            fixed[name] = float(value)
        except ValueError:
            raise UserError(f"--fix {text}: write {name}=NUMBER") from None
        if not (math.isfinite(fixed[name]) and fixed[name] > 0):
            raise UserError(f"--fix {text}: parameters are positive numbers")
    return fixed


def residuals_nats(problem: Problem, found: Fit) -> np.ndarray:
    """Measured minus fitted loss [points]."""
    return problem.losses - np.exp(problem.form.log_loss(found.theta, problem.columns)[0])


def analyse(problem: Problem, draws: int, share: float, seed: int) -> dict:
    """Everything about the fit that does not depend on where the points came from."""
    found = fit(problem)
    drawn = bootstrap(problem, found, draws, seed)
    names, reasons = problem.form.parameters, doubts(problem, found, drawn, share)
    residuals = residuals_nats(problem, found)
    huber = {"kind": "Huber loss of errors of the logarithm of the loss", "delta": problem.delta}
    return {
        "form": problem.form.name, "formula": problem.form.formula,
        "parameters": dict(zip(names, np.exp(found.theta).tolist(), strict=True)),
        "bands": dict(zip(names, bands_of(drawn, share).T.tolist(), strict=True)),
        "fixed": list(problem.fixed), "identified": not reasons, "not_identified": reasons,
        "objective": found.objective, "objective_mean": found.objective / len(residuals),
        "minimised": {"kind": "squared errors of the loss"} if problem.delta is None else huber,
        "residuals": residuals.tolist(), "residual_rms": float(np.sqrt((residuals**2).mean())),
        "bootstrap": {"of": resampling(problem), "draws": draws, "share": share, "seed": seed},
        "starts": found.starts, "starts_at_optimum": found.reached, "condition_number": condition(problem, found),
    }  # fmt: skip


def report(record: dict, lines: list[int]) -> str:
    """What is printed."""
    of, share = record["bootstrap"]["of"], record["bootstrap"]["share"]
    text = [f"{record['form']}: {record['formula']}", f"{record['data']}: {len(lines)} points; {record['units']}"]
    delta = record["minimised"].get("delta")
    kind = record["minimised"]["kind"] + (f", delta {delta:g}" if delta else "")
    text += [f"objective {record['objective']:.9g} (sum over points; {kind}), mean {record['objective_mean']:.6g}", ""]
    text.append(f"{'parameter':<12}{'value':>14}{f'{share:.0%} band':>30}")
    for name, value in record["parameters"].items():
        low, high = record["bands"][name]
        note = "fixed" if name in record["fixed"] else "NOT IDENTIFIED" if name in record["not_identified"] else ""
        text.append(f"{name:<12}{value:>14.6g}{f'{low:.6g} to {high:.6g}':>30}  {note}".rstrip())
    text += ["", *_residual_lines(record, lines), ""]
    text.append(f"bands: {record['bootstrap']['draws']} bootstrap draws of {of}, seed {record['bootstrap']['seed']}")
    reached = f"{record['starts_at_optimum']} of {record['starts']} starts reached the optimum"
    search = reached if record["starts"] > 1 else "the exponent was searched exactly"
    text.append(f"search: {search}; condition number {record['condition_number']:.3g}")
    text += [f"NOT IDENTIFIED: {name}: {reason}" for name, reason in record["not_identified"].items()]
    return "\n".join(text)


def _residual_lines(record: dict, lines: list[int]) -> list[str]:
    residuals = record["residuals"]
    largest = sorted(range(len(lines)), key=lambda place: -abs(residuals[place]))
    shown = range(len(lines)) if len(lines) <= LISTED else largest[:5]
    title = "all" if len(lines) <= LISTED else "the 5 largest"
    head = f"residuals, measured - fitted: rms {record['residual_rms']:.4g}; {title} by line of the file:"
    return [head, *(f"  line {lines[place]:<8}{residuals[place]:>+12.5f}" for place in shown)]


def checked(arguments: argparse.Namespace) -> tuple[Points, Problem, dict[str, str]]:
    """Points and problem of a command line. Raises UserError before anything is fitted."""
    form = FORMS[arguments.form]
    for name, value, right in (
        ("delta", arguments.delta, arguments.delta is None or arguments.delta > 0),
        ("draws", arguments.draws, arguments.draws >= 20),
        ("band", arguments.band, 0 < arguments.band < 1),
    ):
        if not right:
            wanted = {"delta": "a positive number", "draws": "20 or more", "band": "between 0 and 1"}[name]
            raise UserError(f"--{name} {value}: it must be {wanted}")
    roles = roles_of(form, {role: getattr(arguments, role) for role in ROLES if getattr(arguments, role)})
    fixed = fixed_of(form, arguments.fix)
    points = read_points(arguments.data, roles, arguments.loss)
    require_enough(arguments.data, form, points, fixed)
    delta = form.delta if arguments.delta is None else arguments.delta
    return points, Problem(form, points.columns, points.losses, delta, fixed), roles


def main(arguments: argparse.Namespace) -> None:
    """Check, fit, print, and write the JSON."""
    points, problem, roles = checked(arguments)
    units = ", ".join(f"{'size' if role == 'x' else role.upper()} = column '{name}'" for role, name in roles.items())
    source = {"data": arguments.data, "sha256": sha256(arguments.data), "columns": roles | {"loss": arguments.loss}}
    source |= {"points": len(points.losses), "lines": points.lines, "units": f"{units}, in its own unit"}
    record = source | analyse(problem, arguments.draws, arguments.band, arguments.seed)
    print(report(record, points.lines))
    if arguments.json:
        write_json(arguments.json, record)


def parser_of() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--form", required=True, choices=FORMS)
    parser.add_argument("--data", required=True, help="CSV with a header")
    for option, meaning in ROLES.items():
        parser.add_argument(f"--{option}", metavar="COLUMN", help=f"column of {meaning}")
    parser.add_argument("--loss", required=True, metavar="COLUMN", help="column of the loss, in nats per token")
    parser.add_argument("--delta", type=float, help="Huber loss of log loss with this delta; inf: its squared errors")
    parser.add_argument("--fix", nargs="+", default=[], metavar="NAME=VALUE", help="parameters that are given")
    parser.add_argument("--draws", type=int, default=500, help="bootstrap draws (default: %(default)s)")
    parser.add_argument("--band", type=float, default=0.9, help="share of draws in a band (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    parser.add_argument("--json", help="write everything here")
    return parser


if __name__ == "__main__":
    run_command(main, parser_of())
