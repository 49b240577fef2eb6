"""What studies cost, alone and beside the others, and which of them a budget allows."""

from collections.abc import Iterable
from dataclasses import dataclass

from workflow_scripts.planning.work import Work


@dataclass(frozen=True)
class StudyCost:
    """Device-hours that remain. Work that studies share is counted for each study alone, and once in `added`."""

    study: str
    students: int
    done: int  # of them
    tokens: float  # of its trainings
    flops: float
    trainings: float
    alone: float  # with evaluations, texts and streams
    added: float  # to the studies above


def study_costs(work: Iterable[Work], studies: Iterable[str]) -> list[StudyCost]:
    """Of each study, in the given order."""
    work, chosen, found = list(work), set(), []
    for study in studies:
        own = [piece for piece in work if study in piece.studies]
        trainings = [piece for piece in own if piece.kind == "training"]
        counts = (len(trainings), sum(piece.done for piece in trainings))
        sums = (float(sum(piece.tokens for piece in trainings)), sum(piece.flops for piece in trainings))
        found.append(StudyCost(study, *counts, *sums, remaining(trainings), remaining(own), remaining(own, chosen)))
        chosen.update((piece.kind, piece.name) for piece in own)
    return found


def remaining(work: Iterable[Work], without: Iterable[tuple[str, str]] = ()) -> float:
    """Device-hours of work that is not done; `without`: kinds and names that are counted elsewhere."""
    return sum(piece.device_hours for piece in work if not piece.done and (piece.kind, piece.name) not in without)


def affordable(work: Iterable[Work], studies: Iterable[str], hours: float) -> tuple[list[str], float]:
    """Studies that fit when they are taken in order, each if it still fits; and the device-hours that are left."""
    work, chosen, fitting = list(work), set(), []
    for study in studies:
        own = [piece for piece in work if study in piece.studies]
        cost = remaining(own, chosen)
        if cost <= hours:
            fitting.append(study)
            chosen.update((piece.kind, piece.name) for piece in own)
            hours -= cost
    return fitting, hours
