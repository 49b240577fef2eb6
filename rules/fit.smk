# The data-scaling law of the real-only students and the data efficiency of every method.
localrules:
    fit_data_efficiency,


rule fit_data_efficiency:
    input:
        pack=pack("<results>/tables/studies/data_efficiency"),
        code=code("scaling"),
    output:
        summary="<results>/tables/summary.csv",
        analysis="<results>/fits/data_efficiency.json",
    log:
        "<logs>/fit_data_efficiency.log",
    benchmark:
        "<benchmarks>/fit_data_efficiency.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        results=folder_of_first,
        settings=scale.analysis.model_dump_json(),
        real_tokens=scale.corpus.real_tokens,
    shell:
        "python -m workflow_scripts.scaling.efficiency --settings {params.settings:q}"
        " --real-tokens {params.real_tokens} --results {params.results}"
        " --summary {output.summary} --output {output.analysis} 2>&1 | tee {log}"
