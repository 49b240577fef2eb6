# What was run, from what, and what it cost; what is shipped is whole; exports.
include: "audit_functions.smk"


localrules:
    summarise_times,
    tabulate_results,
    draw_rule_graph,
    write_manifests,
    manifests,
    trace,
    verify,
    crate,


rule summarise_times:
    input:
        figures=figure_files(),
        code=code("audit"),
    output:
        "<results>/tables/times.csv",
    log:
        "<logs>/summarise_times.log",
    benchmark:
        "<benchmarks>/summarise_times.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        benchmarks=f"{RESULTS}/benchmarks",
    shell:
        "python -m workflow_scripts.audit.times --benchmarks {params.benchmarks} --output {output} 2>&1 | tee {log}"


# The results as a table for the README.
rule tabulate_results:
    input:
        summary=rules.fit_data_efficiency.output.summary,
        analysis=rules.fit_data_efficiency.output.analysis,
        runs=rules.write_run_table.output.table,
        code=code("audit"),
    output:
        "<results>/tables/results.md",
    log:
        "<logs>/tabulate_results.log",
    benchmark:
        "<benchmarks>/tabulate_results.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        real_tokens=scale.corpus.real_tokens,
    shell:
        "python -m workflow_scripts.audit.results --summary {input.summary} --analysis {input.analysis}"
        " --runs {input.runs} --real-tokens {params.real_tokens} --output {output} 2>&1 | tee {log}"


rule draw_rule_graph:
    output:
        "results/shipped/rulegraph.svg",
    log:
        "<logs>/draw_rule_graph.log",
    benchmark:
        "<benchmarks>/draw_rule_graph.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        snakefile=f"{workflow.basedir}/Snakefile",
    shell:
        "python -m snakemake --snakefile {params.snakefile} --rulegraph dot --forceall 2> {log}"
        " | python -m workflow_scripts.audit.rule_graph --output {output} 2>> {log}"


# A manifest per student, and one of all streams, shards and documents; what an attempt noted, `attempts` still has.
rule write_manifests:
    input:
        measured([run for run in RUNS if run not in MIXTURE_RUNS and run not in ARM_RUNS]),
    output:
        directory("<results>/manifests"),
    log:
        "<logs>/write_manifests.log",
    benchmark:
        "<benchmarks>/write_manifests.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=SCALE_CONFIG,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.audit.manifest --config {params.config:q} --folder {params.folder}"
        " --output {output} 2>&1 | tee {log}"


rule manifests:
    input:
        manifest_files(),


# `snakemake FIGURE` draws a figure; `snakemake trace FIGURE` says how its numbers hang together, and draws nothing.
for figure in FIGURES:

    rule:
        name:
            figure
        input:
            figure_unless_traced(figure),


rule trace:
    log:
        "<logs>/trace.log",
    conda:
        "../envs/workflow.yaml"
    params:
        figures=traced_figures,
        results=TRACED_RESULTS,
    shell:
        "python -m workflow_scripts.audit.trace {params.figures} --results {params.results} 2>&1 | tee {log}"


rule verify:
    log:
        "<logs>/verify.log",
    conda:
        "../envs/workflow.yaml"
    params:
        shipped=f"{HOME}results/shipped",
    shell:
        "python -m workflow_scripts.audit.verify --shipped {params.shipped} 2>&1 | tee {log}"


# The finished scale for archives: a Workflow Run RO-Crate.
rule crate:
    input:
        manifest_files(),
        figure_files(),
        rules.write_run_table.output,
        code=code("audit"),
    output:
        directory("<results>/crate"),
    log:
        "<logs>/crate.log",
    benchmark:
        "<benchmarks>/crate.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=WHOLE_CONFIG,
        folder=results_folder,
    shell:
        "python -m workflow_scripts.audit.crate --config {params.config:q} --folder {params.folder}"
        " --output {output} 2>&1 | tee {log}"
