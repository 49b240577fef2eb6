"""The status as a person reads it in a terminal: aligned columns, rounded numbers, times on the clock."""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

from workflow_scripts.status.students import STATES, Student

RUNNING_SHOWN, PROBLEMS_SHOWN = 4, 3  # students of a list, so that all lists fit on a screen
NOTHING = "-"
WHY = {
    "deadline": "its job's time was over",
    "signal": "it was asked to end",
    "out_of_memory": "short of memory",
}
KILLED = "it was killed"


def table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Aligned lines; the first `left` columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    places = [str.ljust if column < left else str.rjust for column in range(len(widths))]
    return [
        "  ".join(place(cell, width) for place, cell, width in zip(places, row, widths, strict=True)) for row in rows
    ]


def study_table(studies: dict[str, list[Student]]) -> list[str]:
    """Students of each study by state."""
    rows = [["study", "students", *STATES]]
    for name, students in studies.items():
        counts = [sum(student.state == state for student in students) for state in STATES]
        rows.append([name, f"{len(students):,}", *(f"{count:,}" if count else NOTHING for count in counts)])
    return table(rows)


def running_list(students: Iterable[Student], now: float, shown: int) -> list[str]:
    """The students that are being trained, those first that end first."""
    running = [student for student in students if student.state == "running"]
    running.sort(key=lambda student: (_end(student) or float("inf"), student.run_id))
    if not running:
        return []
    rows = [["running", "step", "tokens/s", "loss", "time left", "ends"]]
    rows += [[student.run_id, *_progress(student, now)] for student in running[:shown]]
    return [*table(rows), *_more(running[shown:])]


def failed_list(students: Iterable[Student], width: int, shown: int) -> list[str]:
    """Reason and log of the students that failed, one for each reason."""
    reasons: dict[str, list[Student]] = {}
    for student in students:
        if student.state == "failed":
            reasons.setdefault(_sentence(student), []).append(student)
    lines = ["failed"] if reasons else []
    for reason, same in list(reasons.items())[:shown]:
        others = f" and {len(same) - 1} more for the same reason" if len(same) > 1 else ""
        text = f"{same[0].run_id}{others}: {reason}"
        lines += textwrap.wrap(text, width, subsequent_indent="    ", max_lines=2, placeholder=" ...")
        lines.append(f"    log: {same[0].log}")
    return lines + _more([student for same in list(reasons.values())[shown:] for student in same])


def interrupted_list(students: Iterable[Student], shown: int) -> list[str]:
    """The students whose training began and which are planned again."""
    found = [student for student in students if student.interrupted]
    if not found:
        return []
    rows = [[student.run_id, _continues(student), WHY.get(student.ending, KILLED)] for student in found[:shown]]
    return ["interrupted, among the planned ones", *table(rows, left=3), *_more(found[shown:])]


def duration(seconds: float) -> str:
    """A time span in its two largest units."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 60:
        return f"{max(0, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def clock(at: float, now: float) -> str:
    """A time of today on the clock; of another day with its date."""
    moment, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    return f"{moment:%H:%M}" if moment.date() == today.date() else f"{moment:%a} {moment.day} {moment:%b %H:%M}"


def _progress(student: Student, now: float) -> list[str]:
    """Step, tokens/s, loss, time left and end, as far as they are known."""
    facts = student.owner["progress"] if student.trains else {}
    if not facts.get("steps"):
        return [f"job {student.job.job} starts" if student.job else "starts", *[NOTHING] * 4]
    rate, loss, end = facts.get("tokens_per_second"), facts.get("loss_nats"), _end(student)
    return [
        f"{facts['step']:,} of {facts['steps']:,}",
        f"{rate:,.0f}" if rate else NOTHING,
        NOTHING if loss is None else f"{loss:.3f} nats",
        duration(end - now) if end else NOTHING,
        clock(end, now) if end else NOTHING,
    ]


def _end(student: Student) -> float | None:
    """When a training will have done its steps, in UNIX seconds."""
    eta = student.owner["progress"].get("eta_seconds") if student.trains else None
    return None if eta is None else student.owner["renewed_at"] + eta


def _continues(student: Student) -> str:
    return f"continues from step {student.saved_step:,}" if student.saved_step else "begins anew"


def _sentence(student: Student) -> str:
    return " ".join(student.message.split()).removeprefix(f"{student.run_id}: ")


def _more(students: Sequence[Student]) -> list[str]:
    return [f"and {len(students):,} more"] if students else []
