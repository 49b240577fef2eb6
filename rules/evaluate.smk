# Losses in nats per token on every validation set, kept per document.
rule evaluate_losses:
    input:
        model="<results>/runs/{run}/model",
        metrics="<results>/runs/{run}/metrics.json",
        sets=[stream(f"<results>/streams/validation/{name}") for name in VALIDATION_SETS],
        environment=environment_of("training"),
    output:
        "<results>/evaluations/{run}.parquet",
    log:
        "<logs>/evaluate_losses/{run}.log",
    benchmark:
        "<benchmarks>/evaluate_losses/{run}.tsv"
    conda:
        "../envs/training.yaml"
    threads: scale.training.threads
    resources:
        gpu=scale.training.gpus and 1,
    params:
        python=python("training"),
        training=lambda w: training_settings(ALL_RUNS[w.run]),
        sets=lambda w, input: [f"{n}={p[:-5]}" for n, p in zip(VALIDATION_SETS, input.sets[2::3])],
    shell:
        "{params.python} -m workflow_scripts.evaluation.evaluate --model {input.model}"
        " --training {params.training:q} --sets {params.sets} --output {output} > {log} 2>&1"


rule collect_losses:
    input:
        metrics=expand("<results>/runs/{run}/metrics.json", run=RUNS),
        evaluations=expand("<results>/evaluations/{run}.parquet", run=RUNS),
        code=code("evaluation"),
    output:
        losses="<results>/tables/losses.csv",
        documents="<results>/tables/document_losses.parquet",
    log:
        "<logs>/collect_losses.log",
    benchmark:
        "<benchmarks>/collect_losses.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=lambda w, output: os.path.dirname(os.path.dirname(output[0])),
    shell:
        "python -m workflow_scripts.evaluation.collect --config {params.config:q} --folder {params.folder}"
        " --losses {output.losses} --documents {output.documents} 2>&1 | tee {log}"


rule choose_hyperparameters:
    input:
        metrics=expand("<results>/runs/{run}/metrics.json", run=TUNING_RUNS),
        evaluations=expand("<results>/evaluations/{run}.parquet", run=TUNING_RUNS),
        code=code("evaluation"),
    output:
        candidates="<results>/tuning/candidates.csv",
        chosen="<results>/tuning/hyperparameters.csv",
    log:
        "<logs>/choose_hyperparameters.log",
    benchmark:
        "<benchmarks>/choose_hyperparameters.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=lambda w, output: os.path.dirname(os.path.dirname(output[0])),
    shell:
        "python -m workflow_scripts.evaluation.choose --config {params.config:q} --folder {params.folder}"
        " --candidates {output.candidates} --chosen {output.chosen} 2>&1 | tee {log}"
