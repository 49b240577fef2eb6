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
        config=SCALE_CONFIG,
    shell:
        "python -m workflow_scripts.config.write_runs --config {params.config:q} --output {output} > {log} 2>&1"


LAUNCH = (  # one process per GPU; signals reach all of them, which then have five minutes to save
    "TORCH_ELASTIC_SHUTDOWN_TIMEOUT=300 {python} -m torch.distributed.run --standalone"
    f" --nproc-per-node={scale.training.gpus} --signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
    if scale.training.gpus > 1
    else "{python}"
)


# The checkpoint is no output: Snakemake removes outputs before a job starts, and a training continues from it.
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
    threads: scale.training.threads
    resources:
        gpu=scale.training.gpus,
    params:
        launch=LAUNCH.format(python=python("training")),
        checkpoint=f"{RESULTS}/checkpoints/{{run}}",
        options=training_options,
        training=lambda w: training_settings(ALL_RUNS[w.run]),
        student=STUDENT.model_dump_json(),
        real=lambda w, input: input.real[2].removesuffix(".json"),
        validation=lambda w, input: input.validation[2].removesuffix(".json"),
        folder=lambda w, output: os.path.dirname(output.metrics),
    shell:
        "{params.launch} -m workflow_scripts.training.train --name {wildcards.run} --real {params.real}"
        " {params.options} --validation {params.validation} --tokenizer {input.tokenizer}"
        " --student {params.student:q} --training {params.training:q} --output {params.folder}"
        " --checkpoint {params.checkpoint} > {log} 2>&1"
