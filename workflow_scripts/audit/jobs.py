"""Jobs that have run, from Snakemake's benchmark files: rule, what it made, when, how long and with how much memory."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workflow_scripts.audit.times import job_times


@dataclass(frozen=True)
class Job:
    """One job; its end is the time of its benchmark file."""

    rule: str
    name: str  # of what it made, where a rule makes several things
    ended: datetime
    seconds: float
    memory_mib: float

    @property
    def began(self) -> datetime:
        """When it began, to the second."""
        return datetime.fromtimestamp(int(self.ended.timestamp() - self.seconds), UTC)


def jobs_of(benchmarks: Path) -> list[Job]:
    """The last run of every job, in the order in which they ended."""
    found = []
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule, *rest = path.relative_to(benchmarks).with_suffix("").parts
        seconds, memory = job_times(path)
        ended = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
        found.append(Job(rule, "/".join(rest) or rule, ended, seconds, memory))
    return sorted(found, key=lambda job: (job.ended, job.rule, job.name))
