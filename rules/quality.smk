# What the generations are like: lengths, copies, refusals, factual drift, samples side by side.
localrules:
    report_quality,


rule report_quality:
    input:
        shards=[path for method in METHODS for path in shards(method)],
        documents="<results>/corpus/train.parquet",
        code=code("generation"),
    output:
        card="<results>/generations/quality.md",
        counts="<results>/generations/quality.json",
    log:
        "<logs>/report_quality.log",
    benchmark:
        "<benchmarks>/report_quality.tsv"
    conda:
        "../envs/workflow.yaml"
    shell:
        "python -m workflow_scripts.generation.quality --shards {input.shards} --sources {input.documents}"
        " --output {output.card} --json {output.counts} 2>&1 | tee {log}"
