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
