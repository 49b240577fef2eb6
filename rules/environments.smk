# Environments are built when a rule first needs one: figures and checks alone never download torch.
localrules:
    build_environment,


rule build_environment:
    output:
        f"{HOME}.venv-{{stage}}/ready-{settings.accelerator}",
    log:
        "<logs>/environments/{stage}.log",
    benchmark:
        "<benchmarks>/environments/{stage}.tsv"
    wildcard_constraints:
        stage="training|generation",
    priority: 90
    conda:
        "../envs/workflow.yaml"
    params:
        install=f"{workflow.basedir}/envs/install.py",
        accelerator=settings.accelerator,
    shell:
        "python {params.install} {wildcards.stage} --accelerator {params.accelerator} 2>&1 | tee {log}"
