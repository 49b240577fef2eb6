# The run table, and what was measured of its students as packs: the same for own, shipped and planted results.
localrules:
    write_run_table,
    collect_study,
    collect_everything,


rule write_run_table:
    output:
        table="<results>/runs.csv",
    log:
        "<logs>/write_run_table.log",
    benchmark:
        "<benchmarks>/write_run_table.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
    shell:
        "python -m workflow_scripts.config.write_runs --config {params.config:q} --output {output} > {log} 2>&1"


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
        study="|".join(studies_of(scale)),
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=results_folder,
        output=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow_scripts.evaluation.collect --config {params.config:q} --study {wildcards.study}"
        " --folder {params.folder} --output {params.output} 2>&1 | tee {log}"


# All students of a paper, those of the search among them: what is shipped.
use rule collect_study as collect_everything with:
    input:
        measured([run for run in ALL_RUNS if run not in MIXTURE_RUNS and run not in ARM_RUNS]),
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


use rule collect_study as collect_mixtures with:
    input:
        measured(MIXTURE_RUNS),
        code=code("evaluation"),
    output:
        pack("<results>/tables/{study}"),
    log:
        "<logs>/collect_{study}.log",
    benchmark:
        "<benchmarks>/collect_{study}.tsv"
    wildcard_constraints:
        study="mixtures",


# All students of the comparison, those of its search among them.
use rule collect_study as collect_methods with:
    input:
        measured(ARM_RUNS),
        code=code("evaluation"),
    output:
        pack("<results>/tables/{study}"),
    log:
        "<logs>/collect_{study}.log",
    benchmark:
        "<benchmarks>/collect_{study}.tsv"
    wildcard_constraints:
        study="methods" if SOURCE != "shipped" else NOTHING,
