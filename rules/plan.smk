# What a scale costs and how far it is. Both always run, beside a running workflow too, and change nothing.
localrules:
    plan,
    status,


rule plan:
    log:
        "<logs>/plan.log",
    conda:
        "../envs/workflow.yaml"
    params:
        config=WHOLE_CONFIG,
        results=RESULTS,
        checkpoints=CHECKPOINTS,
        folder=f"{RESULTS}/plan",
    shell:
        "python -m workflow_scripts.planning.plan --config {params.config:q} --results {params.results}"
        " --checkpoints {params.checkpoints} --output {params.folder} 2>&1 | tee {log}"


rule status:
    log:
        "<logs>/status.log",
    conda:
        "../envs/workflow.yaml"
    params:
        config=WHOLE_CONFIG,
        results=RESULTS,
        checkpoints=CHECKPOINTS,
    shell:
        "python -m workflow_scripts.status.show --config {params.config:q} --results {params.results}"
        " --checkpoints {params.checkpoints} 2>&1 | tee {log}"
