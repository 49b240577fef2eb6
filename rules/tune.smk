# The hyper-parameter search: every tuned row is compared with its neighbours, one grid step along one axis.
localrules:
    certify_optimum,
    list_candidates,


rule certify_optimum:
    input:
        neighbourhood,
        code=code("tuning", "evaluation"),
    output:
        "<results>/tuning/certificates/{run}.json",
    log:
        "<logs>/certify_optimum/{run}.log",
    benchmark:
        "<benchmarks>/certify_optimum/{run}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.tuning.certify --config {params.config:q} --centre {wildcards.run}"
        " --folder {params.folder} --output {output} 2>&1 | tee {log}"


rule list_candidates:
    input:
        evaluated([run for run in TUNING_RUNS if run not in ARM_RUNS]),
        code=code("tuning", "evaluation"),
    output:
        "<results>/tuning/candidates.csv",
    log:
        "<logs>/list_candidates.log",
    benchmark:
        "<benchmarks>/list_candidates.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.tuning.candidates --config {params.config:q} --folder {params.folder}"
        " --output {output} 2>&1 | tee {log}"
