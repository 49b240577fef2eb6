# SynPro's tables: effective tokens, claims, the target.
localrules:
    fit_effective_tokens,
    check_synpro_claims,
    synpro,


if SOURCE != "rerun":

    localrules:
        supply_synpro,

    rule supply_synpro:
        input:
            pack=[f"{PACK}/synpro/{name}.csv" for name in SYNPRO_COLUMNS] if SOURCE == "shipped" else [],
            code=code("planted") if SOURCE == "planted" else [],
        output:
            SYNPRO_PACK,
        log:
            "<logs>/supply_synpro.log",
        conda:
            "../envs/workflow.yaml"
        params:
            folder=lambda w, output: os.path.dirname(output[0]),
            command=lambda w, input, output: supplied_by(input, os.path.dirname(output[0])),
        shell:
            "{params.command} 2>&1 | tee {log}"


rule fit_effective_tokens:
    input:
        pack=SYNPRO_PACK,
        code=code("scaling"),
    output:
        json="<results>/synpro/effective_tokens.json",
        csv="<results>/synpro/effective_tokens.csv",
    log:
        "<logs>/fit_effective_tokens.log",
    benchmark:
        "<benchmarks>/fit_effective_tokens.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        pack=folder_of_first,
        settings=scale.analysis.model_dump_json(),
    shell:
        "python -m workflow_scripts.scaling.effective_tokens --pack {params.pack} --settings {params.settings:q}"
        " --output {output.json} --summary {output.csv} 2>&1 | tee {log}"


rule check_synpro_claims:
    input:
        pack=SYNPRO_PACK,
        claims=CLAIMS,
        numbers=f"{HOME}workflow_scripts/claims/published_numbers.yaml",
        code=code("claims", "planted", "scaling"),
    output:
        json="<results>/synpro/claims/claims.json",
        md="<results>/synpro/claims/claims.md",
        csv="<results>/synpro/claims/claims.csv",
    log:
        "<logs>/check_synpro_claims.log",
    benchmark:
        "<benchmarks>/check_synpro_claims.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        pack=folder_of_first,
        settings=scale.analysis.model_dump_json(),
        column=COLUMN,
        planted=settings.model_copy(update=PAPER).model_dump_json(),
    shell:
        "python -m workflow_scripts.claims.check --claims {input.claims} --settings {params.settings:q}"
        " --planted {params.planted:q} --synpro {params.column:q} {params.pack} --output {output.json} 2>&1 | tee {log}"


rule synpro:
    input:
        synpro_targets,
