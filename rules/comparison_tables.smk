# Tables of the comparison of all methods: what every arm is, what it gains and costs.
localrules:
    tabulate_arms,
    compare_arms,
    tabulate_comparison,
    check_comparison_claims,
    comparison_tuning,
    comparison,


if SOURCE == "rerun":

    rule tabulate_arms:
        input:
            natural=f"<results>/streams/{UNIQUE}.json",
            streams=expand("<results>/streams/arms/{arm}.json", arm=ARMS),
            methods=expand("<results>/methods/{method}.json", method=OWN_METHODS),
            students=students_of_arms,
            certificates=certificates_at_hand,
            code=code("evaluation"),
        output:
            "<results>/tables/methods/arms.csv",
        log:
            "<logs>/tabulate_arms.log",
        benchmark:
            "<benchmarks>/tabulate_arms.tsv"
        conda:
            "../envs/workflow.yaml"
        params:
            config=SCALE_CONFIG,
            folder=results_folder,
        shell:
            "python -m workflow_scripts.evaluation.arm_table --config {params.config:q} --folder {params.folder}"
            " --output {output} 2>&1 | tee {log}"

elif SOURCE == "shipped":

    localrules:
        supply_methods,

    rule supply_methods:
        input:
            methods_shipped,
        output:
            METHODS_PACK,
        log:
            "<logs>/supply_methods.log",
        conda:
            "../envs/workflow.yaml"
        params:
            folder=lambda w, output: os.path.dirname(output[0]),
        shell:
            "cp {input} {params.folder} 2>&1 | tee {log}"

else:

    localrules:
        plant_arms,

    rule plant_arms:
        input:
            code("planted"),
        output:
            "<results>/tables/methods/arms.csv",
        log:
            "<logs>/plant_arms.log",
        conda:
            "../envs/workflow.yaml"
        params:
            config=SCALE_CONFIG,
        shell:
            "python -m workflow_scripts.planted.arms --config {params.config:q} --output {output} 2>&1 | tee {log}"


rule compare_arms:
    input:
        pack=METHODS_PACK,
        code=code("scaling"),
    output:
        json="<results>/comparison/comparison.json",
        csv="<results>/comparison/comparison.csv",
        sets="<results>/comparison/sets.csv",
    log:
        "<logs>/compare_arms.log",
    benchmark:
        "<benchmarks>/compare_arms.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        pack=folder_of_first,
        settings=scale.analysis.model_dump_json(),
    shell:
        "python -m workflow_scripts.scaling.arms --pack {params.pack} --settings {params.settings:q}"
        " --output {output.json} --summary {output.csv} --sets {output.sets} 2>&1 | tee {log}"


rule tabulate_comparison:
    input:
        arms=rules.compare_arms.output.csv,
        sets=rules.compare_arms.output.sets,
        code=code("figures"),
    output:
        markdown=report("<results>/tables/comparison.md", category="Tables", caption="report/comparison.rst"),
        csv="<results>/tables/comparison.csv",
    log:
        "<logs>/tabulate_comparison.log",
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
    shell:
        "python -m workflow_scripts.figures.comparison_table --config {params.config:q} --arms {input.arms}"
        " --sets {input.sets} --output {output.markdown} 2>&1 | tee {log}"


rule check_comparison_claims:
    input:
        pack=METHODS_PACK,
        claims=CLAIMS,
        numbers=f"{HOME}workflow_scripts/claims/published_numbers.yaml",
        code=code("claims", "planted", "scaling"),
    output:
        json="<results>/comparison/claims/claims.json",
        md="<results>/comparison/claims/claims.md",
        csv="<results>/comparison/claims/claims.csv",
    log:
        "<logs>/check_comparison_claims.log",
    benchmark:
        "<benchmarks>/check_comparison_claims.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        pack=folder_of_first,
        settings=scale.analysis.model_dump_json(),
        column=COLUMN,
        planted=settings.model_copy(update=PAPER).model_dump_json(),
    shell:
        "python -m workflow_scripts.claims.check --claims {input.claims} --settings {params.settings:q}"
        " --planted {params.planted:q} --methods {params.column:q} {params.pack} --output {output.json} 2>&1 | tee {log}"


# The grid of the comparison: every tuned row against its neighbours.
rule comparison_tuning:
    input:
        comparison_certificates,


rule comparison:
    input:
        comparison_targets,
