# Laws of the comparison: rectified against power law, passes over real text, retraining for rounds.
localrules:
    fit_rectified_law,
    fit_repetition_law,
    simulate_retraining,


rule fit_rectified_law:
    input:
        pack=SYNPRO_PACK,
        code=code("scaling"),
    output:
        multiext("<results>/laws/rectified_law", json=".json", csv=".csv"),
    log:
        "<logs>/fit_rectified_law.log",
    benchmark:
        "<benchmarks>/fit_rectified_law.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        pack=folder_of_first,
        settings=scale.analysis.model_dump_json(),
    shell:
        "python -m workflow_scripts.scaling.rectified_law --synpro {params.pack} --settings {params.settings:q}"
        " --output {output.json} 2>&1 | tee {log}"


rule fit_repetition_law:
    input:
        pack=METHODS_PACK,
        code=code("scaling"),
    output:
        multiext("<results>/laws/repetition_law", json=".json", csv=".csv"),
    log:
        "<logs>/fit_repetition_law.log",
    benchmark:
        "<benchmarks>/fit_repetition_law.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        pack=folder_of_first,
        settings=scale.analysis.model_dump_json(),
    shell:
        "python -m workflow_scripts.scaling.repetition_law --results {params.pack} --settings {params.settings:q}"
        " --output {output.json} 2>&1 | tee {log}"


rule simulate_retraining:
    input:
        code("scaling"),
    output:
        table="<results>/laws/retraining_theory/retraining_theory.csv",
        record="<results>/laws/retraining_theory/retraining_theory.json",
    log:
        "<logs>/simulate_retraining.log",
    benchmark:
        "<benchmarks>/simulate_retraining.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        folder=lambda w, output: os.path.dirname(output.table),
    shell:
        "python -m workflow_scripts.scaling.retraining_theory --output {params.folder} 2>&1 | tee {log}"
