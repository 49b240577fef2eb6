"""Results that a page is made of: 300 students, claims with every verdict, a figure, texts that try to be markup."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from tests.workflow.arm_packs import WORTHS, arm_pack
from tests.workflow.packs import student, write_pack
from workflow_scripts.common.files import write_json
from workflow_scripts.config.models import Analysis
from workflow_scripts.figures.style import save
from workflow_scripts.scaling.arms import Study, record_of, row_of

D = 32768
HOSTILE = '<script>document.title = "hacked"</script><img src="https://example.org/x.png"> 5 < 6 & "so on"'
METHODS = ("simple", "stitched", "latent")
EFFICIENCIES = {("simple", 8): (1.5, 1.4, 1.6), ("stitched", 8): (1.75, 1.7, 1.8), ("latent", 8): None}
LAW = {"form": "L(D) = A / D^B + C", "points": 4, "range_tokens": [16384, 131072], "asymptote_identified": True}


def write_folder(folder: Path, optional: bool) -> None:
    """A scale's folder, and its pack in `pack`."""
    write_pack(folder / "pack", students())
    records = [efficiency(*key, found) for key, found in EFFICIENCIES.items()]
    analysis = {"band": 0.9, "draws": 100, "seeds": 1, "status": "fitted", "law": LAW, "efficiencies": records}
    write_json(folder / "fits/data_efficiency.json", analysis)
    (folder / "tables").mkdir()
    summary = pd.DataFrame([{"set": "validation", "seeds": 1, "documents": 164}])
    summary.to_csv(folder / "tables/summary.csv", index=False)
    if optional:
        figure, axes = plt.subplots()
        axes.plot([1, 2], [5.5, 5.1])
        save(figure, summary, folder / "figures/generation_scaling.pdf")
        write_json(folder / "claims/claims.json", claims())
        write_json(folder / "tables/examples.json", examples())


def students() -> list[dict]:
    """60 seeds of five settings; the lowest loss is that of stitched, seed 0."""
    sizes = {"real_tokens": D, "synthetic_stream_tokens": 3 * D}
    settings = [("real", 0, 5.5), *((stream, 8, 5.2 - 0.1 * place) for place, stream in enumerate(METHODS[:2]))]
    settings += [("latent", 8, 5.15), ("simple", 2, 5.3)]
    return [student(s, g, loss + seed / 1000, seed, **sizes) for s, g, loss in settings for seed in range(60)]


def efficiency(stream: str, generations: int, found: tuple | None) -> dict:
    """A record of the fit."""
    names = dict(zip(("efficiency", "low", "high"), found or (None, None, None), strict=True))
    status = "measured" if found else "outside the law's range"
    return {"stream": stream, "generations": generations, "real_tokens": D, "status": status, **names}


def claims() -> list[dict]:
    """A claim per verdict."""
    return [claim(name) for name in ("agrees", "disagrees", "not identified", "not measured at this scale")]


def claim(verdict: str) -> dict:
    """One claim with two columns."""
    value = {"estimate": 1.5, "low": 1.4, "high": 1.6, "unit": "times", "documents": 164, "seeds": 2, "note": ""}
    cell = {
        "verdict": verdict,
        "reason": "",
        "truth": None,
        **(value if verdict != "not measured at this scale" else {}),
    }
    none = {"verdict": "not recomputed", "reason": "no public numbers give it", "truth": None}
    return {
        "id": verdict.replace(" ", "_"), "sentence": f"A claim that {verdict}.", "figure": "generation_scaling",
        "paper": {"value": 1.48, "source": "[paper]"}, "why": "two digits.", "computed": "By the law.",
        "columns": {"published": none, "laptop": cell},
    }  # fmt: skip


def examples() -> dict:
    """One document whose text is markup."""
    rows = [{"kind": "rephrase", "generation": 0, "text": HOSTILE}, {"kind": "real", "generation": -1, "text": HOSTILE}]
    return {"generations": 8, "documents": [{"doc_id": "d", "text": HOSTILE, "streams": {"stitched": rows}}]}


def comparison() -> dict:
    """Arms with planted efficiencies, two of them too close to tell apart, and one beyond the law's range."""
    worths = {**WORTHS, "latent": 1.699, "mga": 5.0}
    study = Study(arm_pack(worths, generation_flops={"toedit": 1e9}), Analysis(bootstrap_draws=60))
    table = pd.DataFrame([row_of(study, arm) for arm in study.pack.arms.index])
    return record_of(study, table.astype(object).where(table.notna(), None).to_dict("records"))
