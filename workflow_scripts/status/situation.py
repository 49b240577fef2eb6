"""Everything that is known of a scale at one moment; observing it writes nothing and locks nothing."""

import os
import time
from dataclasses import dataclass

from workflow_scripts.config.models import Config, Scale
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import expand_runs, needed_by, studies_of
from workflow_scripts.status.files import Tree, scan
from workflow_scripts.status.queue import QueuedJob, QueueError, jobs_in_queue
from workflow_scripts.status.students import Student, look_at

TRAINING = "train_student"  # the rule
ALL = "all, each student once"
OTHERS = "not in the run table"  # candidates of the tuning search, or students of an earlier config


@dataclass
class Situation:
    """What was found."""

    config: Config
    results: str
    checkpoints: str
    now: float  # UNIX seconds
    tree: Tree
    jobs: list[QueuedJob]
    runs: list[Run]
    students: dict[str, Student]
    notes: list[str]  # what could not be found out

    @property
    def scale(self) -> Scale:
        """The selected one."""
        return self.config.scales[self.config.scale]

    def by_study(self) -> dict[str, list[Student]]:
        """Students of each study, of all studies, and those that none asks for."""
        studies = {study: needed_by(self.runs, study) for study in studies_of(self.scale)} | {ALL: self.runs}
        rows = {study: [self.students[run.run_id] for run in runs] for study, runs in studies.items()}
        others = [self.students[name] for name in self.students.keys() - {run.run_id for run in self.runs}]
        return rows | ({OTHERS: others} if others else {})


def observe(config: Config, results: str, checkpoints: str) -> Situation:
    """Look once into each folder, and once into the queue. Raises UserError for a config that has no run table."""
    now, tree, runs = time.time(), scan(results, checkpoints), expand_runs(config)
    jobs, notes = _queue()
    trainings = {job.wildcards: job for job in jobs if job.rule == TRAINING}
    names = dict.fromkeys([*(run.run_id for run in runs), *_begun(tree, results, checkpoints), *trainings])
    students = {name: look_at(name, tree, results, checkpoints, trainings) for name in names}
    notes += [f"{path} can't be read" for student in students.values() for path in student.damaged]
    return Situation(config, results, checkpoints, now, tree, jobs, runs, students, notes)


def _queue() -> tuple[list[QueuedJob], list[str]]:
    try:
        return jobs_in_queue(os.getcwd()), []
    except QueueError as error:
        return [], [f"squeue does not say what is queued ({error}): students that wait there count as planned"]


def _begun(tree: Tree, results: str, checkpoints: str) -> list[str]:
    """Students that are done or have a folder of checkpoints."""
    folders = (folder.rpartition("/") for folder in sorted(tree) if tree[folder])
    return [name for parent, _, name in folders if parent in (f"{results}/runs", checkpoints)]
