"""Tables about a finished workflow: its results for a README, and what its jobs cost."""

import json

import pandas as pd

from tests.workflow.conftest import ROOT, run_main
from workflow_scripts.audit import results
from workflow_scripts.audit.times import stage_times

SUMMARY = """set,stream,generations,real_tokens,seeds,documents,loss_nats,low,high
long,real,0,2048,1,20,9.0,9.0,9.0
validation,real,0,4096,1,40,5.1234,5.0,5.25
validation,real,0,2048,1,40,5.5,5.4,5.6
validation,simple,8,2048,1,40,5.0,4.9,5.1
validation,simple,2,2048,1,40,5.25,5.2,5.3
"""
RUNS = """stream,generations,real_tokens,real_epochs,studies
real,0,2048,16,data_efficiency
real,0,4096,32,data_efficiency
simple,2,2048,8,data_efficiency generation_scaling
simple,8,2048,4,data_efficiency
simple,8,2048,64,epochs_and_mixing
"""
EFFICIENCIES = {
    ("real", 0, 2048): ("measured", 1.0, 1.0, 1.0),
    ("simple", 2, 2048): ("measured", 1.387, 1.36, 1.434),
    ("simple", 8, 2048): ("outside the law's range", None, None, None),
}
EXPECTED = """\
| stream | G | real tokens | real epochs | i.i.d. loss, nats | data efficiency |
|---|---|---|---|---|---|
| real only | 0 | 2,048 | 16 | 5.500 [5.400, 5.600] | 1 |
| simple rephrases | 2 | 2,048 | 8 | 5.250 [5.200, 5.300] | 1.39 [1.36, 1.43] |
| simple rephrases | 8 | 2,048 | 4 | 5.000 [4.900, 5.100] | outside the law's range |
| real only | 0 | 4,096 | 32 | 5.123 [5.000, 5.250] | law not identified |

Seeds: 1; validation documents: 40; bands: 90% of bootstrap draws.
"""


def test_results_for_a_readme(tmp_path):
    names = ("stream", "generations", "real_tokens", "status", "efficiency", "low", "high")
    records = [dict(zip(names, (*key, *values), strict=True)) for key, values in EFFICIENCIES.items()]
    (tmp_path / "summary.csv").write_text(SUMMARY)
    (tmp_path / "runs.csv").write_text(RUNS)
    (tmp_path / "analysis.json").write_text(json.dumps({"band": 0.9, "seeds": 1, "efficiencies": records}))
    run_main(
        results.main, summary=tmp_path / "summary.csv", runs=tmp_path / "runs.csv",
        analysis=tmp_path / "analysis.json", real_tokens=2048, output=tmp_path / "results.md",
    )  # fmt: skip
    assert (tmp_path / "results.md").read_text() == EXPECTED


def test_times_add_up_by_stage_and_count_the_last_run(tmp_path):
    head = "s\th:m:s\tmax_rss\tmax_vms\n"
    jobs = {
        "train/a.tsv": "9\t0\t1\t1\n20\t0\t300.5\t1\n",
        "train/b.tsv": "30\t0\t200\t1\n",
        "fit.tsv": "1.5\t0\t-\t-\n",
    }
    for name, rows in jobs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(head + rows)
    assert [list(row.values()) for row in stage_times(tmp_path)] == [
        ["train", 2, 50.0, 30.0, 300.5],
        ["fit", 1, 1.5, 1.5, 0.0],
    ]


def test_readme_shows_the_shipped_tables():
    """The README's numbers are those that the rules wrote."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = (ROOT / "results/shipped/replication/tables/results.md").read_text(encoding="utf-8").split("\n\n")[0]
    assert table in readme
    drawn = pd.read_csv(ROOT / "results/shipped/laptop/figures/mixture_data.csv")
    rows = drawn[(drawn["measure"] == "mean of 3 domains") & (drawn["role"] == "held out") & drawn["mixing_ratio"]]
    columns = ["difference_nats", "difference_low", "difference_high"]
    assert len(rows) == 9
    for change, low, high in rows[columns].itertuples(index=False):
        assert f"+{change:.2f} [{low:.2f}, {high:.2f}]" in readme
    arms = pd.read_csv(ROOT / "results/shipped/laptop/synpro/effective_tokens.csv")
    lines = [line for line in readme.splitlines() if line.startswith("| ")]
    for arm in arms[arms["role"] != "repetition"].itertuples():
        loss = f"| {arm.loss_nats:.3f} [{arm.low:.3f}, {arm.high:.3f}] | {arm.effective_tokens:,.0f} |"
        ratio = f" {arm.ratio:.2f} [{arm.ratio_low:.2f}, {arm.ratio_high:.2f}] |"
        assert any(line.startswith(f"| {arm.title} | ") and line.endswith(loss + ratio) for line in lines), arm.title


def test_readme_shows_the_shipped_comparison():
    """A line for every arm, in the order of losses on news, with its efficiency on the second corpus."""
    shipped = ROOT / "results/shipped"
    news, groups = (
        pd.read_csv(shipped / scale / "comparison/comparison.csv", index_col="arm")
        for scale in ("laptop", "laptop_newsgroups")
    )
    assert len(news) == 23 and set(news.index) == set(groups.index)
    lines = [
        f"| {arm.title} | {_thousands(arm.synthetic_tokens)} | {_thousands(arm.generation_flops, 1e9)} "
        f"| {arm.loss_nats:.3f} [{arm.low:.3f}, {arm.high:.3f}] "
        f"| {_efficiency(arm)} | {_efficiency(groups.loc[name])} |"
        for name, arm in news.sort_values("loss_nats").iterrows()
    ]
    assert "\n".join(lines) in (ROOT / "README.md").read_text(encoding="utf-8")


def _thousands(number: float, unit: float = 1) -> str:
    return f"{number / unit:,.0f}"


def _efficiency(arm: pd.Series) -> str:
    return f"{arm.efficiency:.2f} [{arm.efficiency_low:.2f}, {arm.efficiency_high:.2f}]"
