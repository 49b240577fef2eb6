# Losses in nats per token on every validation set, kept per document.
localrules:
    collect_losses,
    collect_study,
    collect_ensembles,


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
    threads: scale.compute.threads
    resources:
        **resources(any_evaluation),
    params:
        python=python("training"),
        training=training_settings,
        sets=lambda w, input: [f"{n}={p[:-5]}" for n, p in zip(VALIDATION_SETS, input.sets[2::3])],
    shell:
        "{params.python} -m workflow_scripts.evaluation.evaluate --model {input.model} --threads {threads}"
        " --training {params.training:q} --sets {params.sets} --output {output} > {log} 2>&1"


use rule evaluate_losses as evaluate_ensemble with:
    input:
        model=lambda w: [f"<results>/runs/{run.run_id}/model" for run in ENSEMBLES[w.ensemble]],
        sets=[stream(f"<results>/streams/validation/{name}") for name in VALIDATION_SETS],
        environment=environment_of("training"),
    output:
        "<results>/evaluations/ensembles/{ensemble}.parquet",
    log:
        "<logs>/evaluate_ensemble/{ensemble}.log",
    benchmark:
        "<benchmarks>/evaluate_ensemble/{ensemble}.tsv"
    resources:
        **resources(any_ensemble),
    params:
        python=python("training"),
        training=ensemble_settings,
        sets=lambda w, input: [f"{n}={p[:-5]}" for n, p in zip(VALIDATION_SETS, input.sets[2::3])],


rule collect_losses:
    input:
        evaluated(MAIN_RUNS),
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
        study=MAIN,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.evaluation.collect --config {params.config:q} --study {params.study}"
        " --folder {params.folder} --losses {output.losses} --documents {output.documents} 2>&1 | tee {log}"


use rule collect_losses as collect_study with:
    input:
        runs_of_study,
        code=code("evaluation"),
    output:
        losses="<results>/tables/studies/{study}.csv",
        documents="<results>/tables/studies/{study}.parquet",
    log:
        "<logs>/collect_study/{study}.log",
    benchmark:
        "<benchmarks>/collect_study/{study}.tsv"
    params:
        config=SCALE_CONFIG,
        study="{study}",
        folder=results_folder,


rule collect_ensembles:
    input:
        expand("<results>/evaluations/ensembles/{ensemble}.parquet", ensemble=ENSEMBLES),
        code=code("evaluation"),
    output:
        "<results>/tables/ensembles.csv",
    log:
        "<logs>/collect_ensembles.log",
    benchmark:
        "<benchmarks>/collect_ensembles.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.evaluation.collect_ensembles --config {params.config:q}"
        " --folder {params.folder} --output {output} 2>&1 | tee {log}"
