# Losses in nats per token on every validation set, kept per document.
localrules:
    collect_study,
    collect_everything,


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


# A study's students as one folder of tables: what certificates, fits, figures and claims read.
rule collect_study:
    input:
        measured_of_study,
        code=code("evaluation"),
    output:
        pack("<results>/tables/studies/{study}"),
    log:
        "<logs>/collect_study/{study}.log",
    benchmark:
        "<benchmarks>/collect_study/{study}.tsv"
    wildcard_constraints:
        study="|".join(STUDIES),
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=results_folder,
        output=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow_scripts.evaluation.collect --config {params.config:q} --study {wildcards.study}"
        " --folder {params.folder} --output {params.output} 2>&1 | tee {log}"


# All students, those of the search among them: what is shipped.
use rule collect_study as collect_everything with:
    input:
        measured(ALL_RUNS),
        expand("<results>/evaluations/ensembles/{ensemble}.parquet", ensemble=ENSEMBLES),
        code=code("evaluation"),
    output:
        pack("<results>/tables/{study}"),
    log:
        "<logs>/collect_{study}.log",
    benchmark:
        "<benchmarks>/collect_{study}.tsv"
    wildcard_constraints:
        study="everything",
