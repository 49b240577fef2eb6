"""How a job's need is asked of SLURM: the resources of Snakemake's executor, within the limits of the site."""

import math

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.site import Site
from workflow_scripts.planning.need import Need

LEAST_MINUTES = 10  # a job's start on a busy file system
MEMORY_GROWTH = 1.5  # per attempt: a job that was killed for its memory asks for more
Request = dict[str, int | str | None]


def resource_keys(site: Site | None) -> list[str]:
    """Names of the resources that `slurm_resources` gives, the same for all jobs of a call."""
    return list(slurm_resources(Need(0, 1, 0, 0, 0), site, 1))


def slurm_resources(need: Need, site: Site | None, attempt: int) -> Request:
    """What a job asks for in its n-th attempt; without a site, what matters on one machine.

    A training that would take longer than the site's longest job gets that, and continues in its next attempt.
    Raises UserError for a job that no node of the site can hold.
    """
    memory_gb = need.memory_gb * MEMORY_GROWTH ** (attempt - 1)
    minutes = max(LEAST_MINUTES, math.ceil(60 * need.safety * need.hours))
    if site is None:
        return _sizes(memory_gb, minutes, need) | {"gpu": need.gpus}
    _check_fits(need, site)
    longest = site.limits.runtime_hours.gpu if need.gpus else site.limits.runtime_hours.cpu
    sizes = _sizes(min(memory_gb, site.limits.memory_gb), min(minutes, int(60 * longest)), need)
    return sizes | _gpus(need.gpus, site) | _place(need.gpus, site)


def _sizes(memory_gb: float, minutes: int, need: Need) -> Request:
    """The executor hands `mem_mb` on as --mem, which SLURM reads in MiB; rounded down, as the site's limit is one."""
    mebibytes = int(memory_gb * 1e9 / 2**20)
    return {"mem_mb": mebibytes, "runtime": minutes, "disk_mb": math.ceil(1000 * need.disk_gb)}


def _gpus(gpus: int, site: Site) -> Request:
    """--gpus=2, --gpus=h200:2, --gres=gpu:2 or --gres=gpu:h200:2."""
    if site.gpu_request == "gres":
        return {"gres": ":".join(["gpu", *([site.gpu_model] if site.gpu_model else []), str(gpus)]) if gpus else ""}
    model = {"gpu_model": site.gpu_model if gpus else ""} if site.gpu_model else {}
    return {"gpu": gpus} | model


def _place(gpus: int, site: Site) -> Request:
    """Where a job goes and who is charged. None: not asked for, as a constraint names GPU nodes."""
    given = {
        "slurm_partition": site.partitions.gpu if gpus else site.partitions.cpu,
        "slurm_account": site.account,
        "qos": site.qos,
        "slurm_extra": f"--mail-user={site.email} --mail-type=FAIL" if site.email else None,
    }
    found = {key: value for key, value in given.items() if value is not None}
    return found | ({"constraint": site.constraint if gpus else None} if site.constraint else {})


def _check_fits(need: Need, site: Site) -> None:
    limits = site.limits
    for what, needed, limit, key, remedy in (
        ("GPUs", need.gpus, limits.gpus_per_node, "gpus_per_node", "lower compute.gpus or llms.*.tensor_parallel"),
        ("CPUs", need.cpus, limits.cpus_per_node, "cpus_per_node", "lower compute.threads or compute.gpus"),
        ("GB of memory", need.memory_gb, limits.memory_gb, "memory_gb", "lower compute.gpus"),
    ):
        if needed > limit:
            raise UserError(
                f"a job needs {needed:g} {what} and a node of the cluster has {limit:g} (limits.{key} of the site "
                f"file): {remedy} of the scale in the config, or mend the site file"
            )
