"""How far SynPro is: its jobs by kind, those that are done."""

from pathlib import Path

from workflow_scripts.config.models import Config
from workflow_scripts.planning.synpro_work import synpro_work
from workflow_scripts.status.screen import table

KINDS = {"training": "pretrainings", "reinforcement": "generators trained", "generation": "jobs that write sets"}


def synpro_table(config: Config, results: str) -> list[str]:
    """Lines of a table; none where the scale has no such section."""
    work = list(synpro_work(config, Path(results)))
    rows = [["SynPro", "all", "done"]]
    for kind, name in KINDS.items():
        own = [piece for piece in work if piece.kind == kind]
        rows.append([name, f"{len(own):,}", f"{sum(piece.done for piece in own):,}"])
    return table(rows) if work else []
