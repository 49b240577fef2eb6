"""How often reported bands contain the planted truth: whole analyses of many draws of documents and seeds.

python -m workflow_scripts.planted.coverage --draws 1000
"""

import argparse
from collections.abc import Iterable, Iterator

import numpy as np

from workflow_scripts.common.errors import run_command
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import MAIN, expand_runs, needed_by, replicated_runs
from workflow_scripts.planted.law import Law
from workflow_scripts.planted.plant import plant
from workflow_scripts.planted.truth import Truth
from workflow_scripts.scaling.bootstrap import settings_of
from workflow_scripts.scaling.efficiency import IID, analyse

Key = tuple[str, int]


def studied(config: Config) -> list[Run]:
    """Students that efficiencies and their bands are made of."""
    runs = expand_runs(config)
    own = [*needed_by(runs, MAIN), *replicated_runs(runs, config.scales[config.scale], MAIN)]
    return list({run.run_id: run for run in own}.values())


def bands(config: Config, truth: Truth, runs: list[Run], seed: int, bootstrap_draws: int) -> dict[Key, list]:
    """Low and high end of the band of every efficiency, by stream and G, in one draw of everything."""
    scale = config.scales[config.scale]
    results = plant(config, seed, truth, runs).of_study(MAIN)
    found = analyse(settings_of(results, IID, bootstrap_draws), scale.corpus.real_tokens, scale.analysis.band)
    rows = [row for row in found["efficiencies"] if row["status"] == "measured" and row["stream"] != "real"]
    return {(row["stream"], row["generations"]): [row["low"], row["high"]] for row in rows}


def repeated(config: Config, truth: Truth, seeds: Iterable[int], bootstrap_draws: int) -> Iterator[dict[Key, list]]:
    """The same for many seeds; sets other than the i.i.d. one are left out."""
    runs, own = studied(config), truth.model_copy(update={"out_of_distribution": {}})
    return (bands(config, own, runs, seed, bootstrap_draws) for seed in seeds)


def coverage(config: Config, truth: Truth, draws: list[dict[Key, list]]) -> dict[Key, float]:
    """Share of the draws whose band contains the truth; a draw without a number does not."""
    law, keys = Law.of(config, truth), sorted(set().union(*draws))
    outside = [np.nan, np.nan]
    ends = {key: np.array([draw.get(key, outside) for draw in draws]) for key in keys}
    return {
        key: float(np.mean((found[:, 0] <= law.efficiency_at(*key)) & (law.efficiency_at(*key) <= found[:, 1])))
        for key, found in ends.items()
    }


def main(arguments: argparse.Namespace) -> None:
    """Print the coverage of every efficiency."""
    config, truth = read_config(arguments.config_file).model_copy(update={"scale": arguments.scale}), Truth()
    draws = list(repeated(config, truth, range(arguments.draws), arguments.bootstrap_draws))
    law, share = Law.of(config, truth), config.scales[config.scale].analysis.band
    print(f"bands of {share:.0%} that contain the planted data efficiency, of {len(draws)} draws of everything")
    for (stream, generations), found in coverage(config, truth, draws).items():
        planted = law.efficiency_at(stream, generations)
        widths = [np.ptp(draw[stream, generations]) for draw in draws if (stream, generations) in draw]
        print(
            f"{stream:10} G = {generations:2}  planted {planted:.2f}x  {found:6.1%}  mean width {np.mean(widths):.3f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config-file", default="config.yaml", help="(default: %(default)s)")
    parser.add_argument("--scale", default="paper", help="(default: %(default)s)")
    parser.add_argument("--draws", type=int, default=200, help="of everything (default: %(default)s)")
    parser.add_argument("--bootstrap-draws", type=int, default=300, help="of each (default: %(default)s)")
    run_command(main, parser)
