# Results that are not made here: shipped in git, or planted, which means drawn from a known law. Instead of the rules
# that train and evaluate, one job writes all that they would have written; every later rule is the same.
localrules:
    supply_results,


rule supply_results:
    input:
        pack=pack(PACK) if SOURCE == "shipped" else [],
        code=code("evaluation") + (code("planted") if SOURCE == "planted" else []),
    output:
        measured(ALL_RUNS),
        expand("<results>/evaluations/ensembles/{ensemble}.parquet", ensemble=ENSEMBLES),
    log:
        "<logs>/supply_results.log",
    benchmark:
        "<benchmarks>/supply_results.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        command=f"evaluation.take_apart --pack {PACK}" if SOURCE == "shipped" else "planted.plant",
        config=SCALE_CONFIG,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.{params.command} --config {params.config:q} --folder {params.folder} 2>&1 | tee {log}"
