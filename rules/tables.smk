# Tables beside the figures: tuned hyper-parameters, and examples of each stream.
localrules:
    tabulate_hyperparameters,
    show_examples,


rule tabulate_hyperparameters:
    input:
        pack=pack("<results>/tables/studies/generation_scaling"),
        code=code("figures", "tuning"),
    output:
        markdown=report("<results>/tables/hyperparameters.md", category="Tables", caption="report/hyperparameters.rst"),
        csv="<results>/tables/hyperparameters.csv",
    log:
        "<logs>/tabulate_hyperparameters.log",
    benchmark:
        "<benchmarks>/tabulate_hyperparameters.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        results=folder_of_first,
        certificates=certificates_at_hand,
        scale=settings.scale,
        source=SOURCE,
        real_tokens=scale.corpus.real_tokens,
    shell:
        "python -m workflow_scripts.figures.hyperparameter_tables --results {params.results}"
        " --certificates {params.certificates} --real-tokens {params.real_tokens} --scale {params.scale}"
        " --source {params.source} --output {output.markdown} 2>&1 | tee {log}"


rule show_examples:
    input:
        example_streams,
        tokenizer="<results>/corpus/tokenizer.json",
        code=code("figures", "megadocs"),
    output:
        json="<results>/tables/examples.json",
        markdown="<results>/tables/examples.md",
    log:
        "<logs>/show_examples.log",
    benchmark:
        "<benchmarks>/show_examples.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        streams=lambda w, input: [f"--{name} {RESULTS}/streams/{name}-G{LARGEST}" for name in SHOWN],
        generations=LARGEST,
        settings=STREAM_SETTINGS,
        scale=settings.scale,
    shell:
        "python -m workflow_scripts.figures.examples {params.streams} --generations {params.generations}"
        " --tokenizer {input.tokenizer} --settings {params.settings:q} --scale {params.scale}"
        " --output {output.json} 2>&1 | tee {log}"
