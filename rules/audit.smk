# What a run cost: time and memory of every job that has run, from the benchmark files.
localrules:
    summarise_times,
    tabulate_results,
    draw_rule_graph,


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
