"""The jobs of a workflow as actions of an RO-Crate: what each read and made, when, and with how much memory."""

from importlib.metadata import version

from rocrate.model import ContextEntity, Entity
from rocrate.rocrate import ROCrate

from workflow_scripts.audit.jobs import Job

USAGE = "https://w3id.org/ro/terms/workflow-run#resourceUsage"


def add_actions(crate: ROCrate, workflow: Entity, run: Entity, jobs: list[Job], manifests: dict) -> None:
    """Per rule a tool and a step, per job an action and its control, and the engine that organised them."""
    crate.metadata.extra_terms["resourceUsage"] = USAGE
    rules, code = list(dict.fromkeys(job.rule for job in jobs)), workflow["version"]
    tools = {
        rule: add(crate, f"#tool-{rule}", "SoftwareApplication", name=f"rule {rule}", softwareVersion=code)
        for rule in rules
    }
    steps = {rule: add_step(crate, rule, place, tools[rule]) for place, rule in enumerate(rules, start=1)}
    workflow["hasPart"], workflow["step"] = list(tools.values()), list(steps.values())
    streams = {name: add_stream(crate, name, facts) for name, facts in manifests["inputs"]["streams"].items()}
    controls = []
    for job in jobs:
        made = add_job(crate, job, tools[job.rule], streams, manifests)
        control = add(crate, f"#control-{job.rule}-{job.name}", "ControlAction", name=f"{job.rule} {job.name}")
        control["instrument"], control["object"] = steps[job.rule], made
        controls.append(control)
        crate.root_dataset.append_to("mentions", made)
    engine = add(crate, "#engine", "SoftwareApplication", name="Snakemake", softwareVersion=version("snakemake"))
    organised = add(crate, "#organised", "OrganizeAction", name="Snakemake's work")
    organised["instrument"], organised["object"], organised["result"] = engine, controls, run


def add_step(crate: ROCrate, rule: str, place: int, tool: Entity) -> Entity:
    """The place of a rule in the workflow: rules in the order in which they first ended."""
    step = add(crate, f"#step-{rule}", "HowToStep", name=rule, position=str(place))
    step["workExample"] = tool
    return step


def add_stream(crate: ROCrate, name: str, facts: dict) -> Entity:
    """A token stream, which is not in the crate: its counts and its digest."""
    text = f"{facts['tokens']:,} tokens in {facts['rows']:,} rows of {facts['documents']:,} documents"
    digest = f"sha256:{facts['tokens_sha256']}"
    return add(crate, f"#stream-{name}", "CreativeWork", name=f"stream {name}", description=text, identifier=digest)


def add_job(crate: ROCrate, job: Job, tool: Entity, streams: dict[str, Entity], manifests: dict) -> Entity:
    """One job; of a training also its streams, its student and its final loss."""
    times = {"startTime": job.began.isoformat(), "endTime": job.ended.isoformat()}
    made = add(crate, f"#job-{job.rule}-{job.name}", "CreateAction", name=f"{job.rule} {job.name}", **times)
    made["instrument"] = tool
    memory = add_property(crate, f"#memory-{job.rule}-{job.name}", "memory", job.memory_mib)
    memory["propertyID"], memory["unitText"], made["resourceUsage"] = "maximum resident memory", "MiB", memory
    manifest = manifests["runs"].get(job.name) if job.rule == "train_student" else None
    if manifest:
        made["object"] = [streams[use["stream"]] for use in manifest["inputs"].values() if use["stream"] in streams]
        made["result"] = add_student(crate, manifest)
    elif job.rule == "streams" and job.name in streams:
        made["result"] = streams[job.name]
    return made


def add_student(crate: ROCrate, manifest: dict) -> Entity:
    """A trained student: its row, code, loss and the digest of its weights."""
    run, metrics = manifest["run"], manifest["metrics"]
    weights = [facts["sha256"] for name, facts in manifest["outputs"].items() if name.endswith(".safetensors")]
    facts = {
        "description": f"{metrics['tokens']:,} tokens; validation loss {metrics.get('validation_loss_nats')} nats",
        "version": str(manifest["made_by"]["commit"]),
    } | ({"identifier": f"sha256:{weights[0]}"} if weights else {})
    return add(crate, f"#student-{run['run_id']}", "CreativeWork", name=f"student {run['run_id']}", **facts)


def add_property(crate: ROCrate, identifier: str, name: str, value: object) -> Entity:
    """A named value."""
    return add(crate, identifier, "PropertyValue", name=name, value=value)


def add(crate: ROCrate, identifier: str, kind: str, /, **properties: object) -> Entity:
    """An entity that is no file."""
    return crate.add(ContextEntity(crate, identifier.replace(" ", "-"), properties={"@type": kind, **properties}))
