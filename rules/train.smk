# Students: one row of the run table each. The row is a parameter: editing it re-runs that student alone.
localrules:
    write_run_table,


rule write_run_table:
    output:
        table="<results>/runs.csv",
    log:
        "<logs>/write_run_table.log",
    benchmark:
        "<benchmarks>/write_run_table.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=settings.model_dump_json(),
    shell:
        "{sys.executable} -m workflow_scripts.config.write_runs --config {params.config:q} --output {output} > {log} 2>&1"


def synthetic_stream(wildcards):
    """The synthetic stream of a run, if it has one."""
    run = ALL_RUNS[wildcards.run]
    return [] if run.stream == "real" else stream(f"<results>/streams/{run.stream}-G{run.generations}")


def training_options(wildcards, input):
    """Command-line options of one row of the run table."""
    run = ALL_RUNS[wildcards.run]
    options = f"--real-tokens {run.real_tokens} --real-epochs {run.real_epochs} --mixing-ratio {run.mixing_ratio}"
    options += f" --lr {run.lr} --weight-decay {run.weight_decay} --seed {run.seed}"
    return options + (f" --synthetic {input.synthetic[2].removesuffix('.json')}" if input.synthetic else "")


rule train_student:
    input:
        real=stream("<results>/streams/real"),
        synthetic=synthetic_stream,
        validation=stream("<results>/streams/validation/validation"),
        tokenizer="<results>/corpus/tokenizer.json",
        environment=environment_of("training"),
    output:
        curve="<results>/runs/{run}/curve.csv",
        throughput="<results>/runs/{run}/throughput.json",
        model=directory("<results>/runs/{run}/model"),
        metrics="<results>/runs/{run}/metrics.json",
    log:
        "<logs>/train_student/{run}.log",
    benchmark:
        "<benchmarks>/train_student/{run}.tsv"
    conda:
        "../envs/training.yaml"
    params:
        python=python("training"),
        options=training_options,
        training=lambda w: training_settings(ALL_RUNS[w.run]),
        student=STUDENT.model_dump_json(),
        real=lambda w, input: input.real[2].removesuffix(".json"),
        validation=lambda w, input: input.validation[2].removesuffix(".json"),
        folder=lambda w, output: os.path.dirname(output.metrics),
    threads: scale.training.threads
    resources:
        gpu=scale.training.gpus,
    shell:
        "{params.python} -m workflow_scripts.training.train --name {wildcards.run} --real {params.real}"
        " {params.options} --validation {params.validation} --tokenizer {input.tokenizer}"
        " --student {params.student:q} --training {params.training:q} --output {params.folder} > {log} 2>&1"


def training_settings(run):
    """The shared recipe with what the row sets: attention and recipe version; seeds are the row's own."""
    row = {"cross_document_attention": run.cross_document_attention, "recipe": run.recipe, "seeds": [0]}
    return scale.training.model_copy(update=row).model_dump_json()
