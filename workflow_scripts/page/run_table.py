"""The run table of the page: every student's row with its loss on every validation set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.evaluation.results import Results
from workflow_scripts.figures.style import METHODS
from workflow_scripts.page.headline import name_of
from workflow_scripts.page.methods import Arm
from workflow_scripts.scaling.bootstrap import mean_losses

ORDER = ["stream", "generations", "real_tokens", "student", "real_epochs", "mixing_ratio", "weight_decay", "seed"]
FIRST_SETS = ("validation", "short", "long")
HEADS = {"validation": "i.i.d. loss", "short": "short documents", "long": "long documents"}


@dataclass(frozen=True)
class Column:
    """A column of the table: its key in a row, its head, how a number is written; no format: text."""

    key: str
    head: str
    number: str | None = None

    def text(self, value: object) -> str:
        """A cell as it is read."""
        if self.number is None:
            return str(value)
        return "–" if pd.isna(value) else format(value, self.number)

    def order(self, value: object) -> str:
        """A cell as it is sorted."""
        return "" if pd.isna(value) else str(value)


def columns_of(results: Results) -> list[Column]:
    """Columns of the table; one per validation set that is reported."""
    sets = [name for name in FIRST_SETS if name in results.sets]
    sets += [name for name in results.sets if name not in FIRST_SETS]
    return [
        Column("method", "method"),
        Column("generations", "G", ".0f"),
        *(Column(f"loss {name}", HEADS.get(name, name.replace("_", " ")), ".3f") for name in sets),
        Column("real_tokens", "real tokens", ",.0f"),
        Column("real_epochs", "epochs", "g"),
        Column("mixing_ratio", "mixing", "g"),
        Column("lr", "lr", "g"),
        Column("weight_decay", "decay", "g"),
        Column("student", "student"),
        Column("seed", "seed", ".0f"),
        Column("steps", "steps", ",.0f"),
        Column("train_loss_nats", "train loss", ".3f"),
        Column("remarks", "remarks"),
    ]


def rows_of(results: Results, arms: Mapping[str, Arm]) -> list[dict]:
    """A row per student, in the order of methods, G, D and hyper-parameters; `arms`: those of the comparison, by name.

    `colour` is a class of the page's colours.
    """
    students = results.students.assign(place=results.students["stream"].map(_place))
    students = students.sort_values(["place", *ORDER]).drop(columns="place")
    losses = {name: mean_losses(results.losses, "run_id", name) for name in results.sets}
    students = students.assign(**{f"loss {name}": students["run_id"].map(own) for name, own in losses.items()})
    rows = students.astype({"generations": int}).to_dict("records")
    return [row | _told(row, arms) | {"remarks": remarks(row)} for row in rows]


def summary_of(results: Results) -> dict[str, str]:
    """What some students are, in few words, by what is said."""
    own, sizes = results.students, results.students["real_tokens"]
    documents = results.losses.loc[results.losses["set"] == "validation", "doc_id"].nunique()
    return {
        "real tokens": " to ".join(f"{tokens:,}" for tokens in sorted({min(sizes), max(sizes)})),
        "student": ", ".join(sorted(own["student"].unique())),
        "seeds": str(own["seed"].nunique()),
        "validation documents": f"{documents:,}",
    }


def remarks(row: dict) -> str:
    """What is unusual about a student."""
    unusual = {"the synthetic stream alone": row["alone"], "no attention across documents": not _across(row)}
    return ", ".join(text for text, true in unusual.items() if true)


def choices(rows: Iterable[dict], key: str) -> list:
    """Different values of a column, in the order in which they first appear."""
    return list(dict.fromkeys(row[key] for row in rows))


def studies_in(rows: Iterable[dict]) -> list[str]:
    """Names of all studies that the rows belong to."""
    return list(dict.fromkeys(name for row in rows for name in row["studies"].split()))


def _told(row: dict, arms: Mapping[str, Arm]) -> dict[str, str]:
    """Name and colour of a student's method."""
    arm = arms.get(row["stream"]) if row["natural"] else None
    name, colour = (arm.title, arm.slug) if arm else (name_of(row["stream"]), row["stream"])
    return {"method": name, "colour": colour}


def _across(row: dict) -> bool:
    return bool(row["cross_document_attention"])


def _place(stream: str) -> int:
    return list(METHODS).index(stream) if stream in METHODS else len(METHODS)
