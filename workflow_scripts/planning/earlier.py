"""Jobs that an earlier call left behind in the cluster's queue, when Snakemake itself was killed.

They are ended before new ones are submitted, so that no student is trained twice at once; a training loses no more than
the time since its last checkpoint. Taking such jobs over instead is not possible with the SLURM executor.
"""

import getpass
import subprocess
import sys
import time

from workflow_scripts.common.errors import UserError

PATIENCE_SECONDS = 300  # SLURM needs seconds, a slow controller a minute


def earlier_jobs(folder: str) -> list[str]:
    """SLURM ids of this user's jobs of this workflow in this folder; arrays as one id."""
    fields = ["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%A|%Z|%k"]
    result = subprocess.run(fields, capture_output=True, text=True)
    if result.returncode:
        raise UserError(f"squeue does not answer ({result.stderr.strip()}): is the cluster up?")
    rows = (line.split("|", 2) for line in result.stdout.splitlines())
    return sorted({job for job, where, comment in rows if where == folder and comment.startswith("rule_")})


def end_earlier_jobs(folder: str) -> None:
    """Cancel them and wait until they are gone. Raises UserError when one does not go."""
    jobs = earlier_jobs(folder)
    if not jobs:
        return
    print(f"{len(jobs)} jobs of an earlier call are ended and submitted again: {' '.join(jobs)}", file=sys.stderr)
    subprocess.run(["scancel", *jobs], check=False)
    end = time.monotonic() + PATIENCE_SECONDS
    while left := earlier_jobs(folder):
        if time.monotonic() > end:
            raise UserError(f"jobs {' '.join(left)} of an earlier call do not end; see `squeue -j {','.join(left)}`")
        time.sleep(2)
