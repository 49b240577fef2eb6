# Students: one row of the run table each. The row is a parameter: editing it re-runs that student alone.
# Where and how a training runs (GPUs, memory, checkpoints) are resources: changing them re-runs nothing.


# The checkpoint is no output: Snakemake removes outputs before a job starts, and a training continues from it. The log
# it removes, too: what earlier attempts said is in `attempts`.
rule train_student:
    input:
        real=real_stream,
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
    threads: lambda w: training(w).cpus
    resources:
        **resources(training),
        processes=lambda w: training(w).gpus,
        process_threads=scale.compute.threads,
        micro_batch=lambda w: training(w).micro_batch_sequences,
        checkpoint_minutes=str(scale.compute.checkpoint_minutes),
        checkpoint=lambda w: f"{CHECKPOINTS}/{w.run}",
        attempts=lambda w: f"{RESULTS}/attempts/{w.run}.jsonl",
        attempt=lambda w, attempt: attempt,
    params:
        python=python("training"),
        options=training_options,
        training=training_settings,
        student=student_settings,
        real=lambda w, input: input.real[2].removesuffix(".json"),
        validation=lambda w, input: input.validation[2].removesuffix(".json"),
        folder=lambda w, output: os.path.dirname(output.metrics),
    shell:
        "{params.python} -m workflow_scripts.training.launch --gpus {resources.processes}"
        " --attempt {resources.attempt} --attempts {resources.attempts} --"
        " --name {wildcards.run} --real {params.real} {params.options} --validation {params.validation}"
        " --tokenizer {input.tokenizer} --student {params.student:q} --training {params.training:q}"
        " --threads {resources.process_threads} --micro-batch-sequences {resources.micro_batch}"
        " --checkpoint {resources.checkpoint} --checkpoint-minutes {resources.checkpoint_minutes}"
        " --output {params.folder} >> {log} 2>&1"
