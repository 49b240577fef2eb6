# What a run cost: time and memory of every job that has run, from the benchmark files.
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
        benchmarks="<benchmarks>",
    shell:
        "{sys.executable} -m workflow_scripts.audit.times --benchmarks {params.benchmarks} --output {output} 2>&1 | tee {log}"


localrules:
    draw_rule_graph,


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
        "{sys.executable} -m snakemake --snakefile {params.snakefile} --rulegraph mermaid-js --forceall 2> {log}"
        " | {sys.executable} -m workflow_scripts.audit.rule_graph --output {output} 2>> {log}"
