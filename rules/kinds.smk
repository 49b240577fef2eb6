# Kinds of synthetic text for mixtures (arXiv 2510.01631): passages or keywords of natural documents, texts, streams.
localrules:
    cut_passages,
    sample_keywords,
    convert_rounded_llm,


# Natural documents of mixtures, where they are not the corpus's own.
rule screen_natural_documents:
    input:
        documents="<results>/corpus/raw/natural.parquet",
        held_out=[
            "<results>/corpus/split/validation.parquet",
            "<results>/corpus/split/tuning.parquet",
            *[f"<results>/corpus/raw/{name}.parquet" for name in DOMAINS if name != "validation"],
        ],
    output:
        documents="<results>/corpus/split/natural.parquet",
        counts="<results>/corpus/split/natural.json",
    log:
        "<logs>/screen_natural_documents.log",
    benchmark:
        "<benchmarks>/screen_natural_documents.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: corpus_need(settings).cpus
    resources:
        **resources(corpus),
    params:
        jaccard=scale.corpus.near_duplicate_jaccard,
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.screen --documents {input.documents} --held-out {input.held_out}"
        " --jaccard {params.jaccard} --processes {threads} --output {output.documents} --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule sample_documents as sample_natural_documents with:
    input:
        documents=rules.screen_natural_documents.output.documents,
        more=[],
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/corpus/natural.parquet",
    log:
        "<logs>/sample_natural_documents.log",
    benchmark:
        "<benchmarks>/sample_natural_documents.tsv"
    params:
        tokens=NATURAL_TOKENS,
        recipe=DATA_RECIPE,


use rule tokenise_real_documents as tokenise_natural_documents with:
    input:
        documents="<results>/corpus/natural.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/natural"),
    log:
        "<logs>/streams/natural.log",
    benchmark:
        "<benchmarks>/streams/natural.tsv"


rule cut_passages:
    input:
        documents=f"<results>/corpus/{NATURAL}.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/corpus/passages.parquet",
    log:
        "<logs>/cut_passages.log",
    benchmark:
        "<benchmarks>/cut_passages.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        tokens=MIXTURES and MIXTURES.source_tokens,
        passage=MIXTURES and MIXTURES.passage_tokens,
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.passages --documents {input.documents} --tokens {params.tokens}"
        " --passage-tokens {params.passage} --tokenizer {input.tokenizer} --output {output} 2>&1 | tee {log}"


rule sample_keywords:
    input:
        documents=f"<results>/corpus/{NATURAL}.parquet",
        passages="<results>/corpus/passages.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/corpus/keywords-{kind}.parquet",
    log:
        "<logs>/sample_keywords/{kind}.log",
    benchmark:
        "<benchmarks>/sample_keywords/{kind}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        tokens=MIXTURES and MIXTURES.source_tokens,
        texts=lambda w: MIXTURES.kinds[w.kind].texts,
        keywords=MIXTURES and MIXTURES.keywords,
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.keywords --documents {input.documents} --tokens {params.tokens}"
        " --passages {input.passages} --texts-per-passage {params.texts} --keywords {params.keywords}"
        " --name {wildcards.kind} --tokenizer {input.tokenizer} --output {output} 2>&1 | tee {log}"


# A worse generator of the same size: the packaged one with its weights rounded further.
use rule convert_llm as convert_rounded_llm with:
    output:
        directory("results/llms/{package}-{bits}bit"),
    log:
        "<logs>/convert_llm/{package}-{bits}bit.log",
    benchmark:
        "<benchmarks>/convert_llm/{package}-{bits}bit.tsv"
    wildcard_constraints:
        bits=r"\d",
    params:
        python=python("generation"),
        bits=lambda w: f"--bits {w.bits}",


use rule generate_texts as generate_kind with:
    input:
        model=lambda w: llm_files(llm_of(w)),
        documents=source_of_kind,
        tokenizer="<results>/corpus/tokenizer.json",
        environment=environment_of("generation"),
        server=SERVER,
    output:
        expand(
            "<results>/generations/{{kind}}-{{job}}.{part}{suffix}",
            part=range(scale.generation.shards_per_job),
            suffix=[".parquet", ".json"],
        ),
    log:
        "<logs>/generate_kind/{kind}-{job}.log",
    benchmark:
        "<benchmarks>/generate_kind/{kind}-{job}.tsv"
    params:
        python=python("generation"),
        settings=generation_of_kind,
        llm=lambda w: llm_of(w).model_dump_json(exclude=llm_of(w).unsaid),
        model=lambda w, input: llm_location(w, input, llm_of(w)),
        server=lambda w, input: f"--server {input.server}" if input.server else "",
        real_tokens=0,  # all of them
        folder=lambda w, output: os.path.dirname(output[0]),
        recipe=DATA_RECIPE,


rule build_kind_stream:
    input:
        shards=lambda w: shards(w.kind),
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/{kind}"),
    log:
        "<logs>/streams/{kind}.log",
    benchmark:
        "<benchmarks>/streams/{kind}.tsv"
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(kind_packing),
    params:
        settings=STREAM_SETTINGS,
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.kinds --kind {wildcards.kind} --shards {input.shards}"
        " --settings {params.settings:q} --tokenizer {input.tokenizer} --output {params.prefix} 2>&1 | tee {log}"


# Rounds of a student's own text: the student of a round is trained on what the student before it writes.
use rule sample_student as sample_round with:
    input:
        model=lambda w: f"<results>/runs/{round_teacher(w)}/model",
        metrics=lambda w: f"<results>/runs/{round_teacher(w)}/metrics.json",
        environment=environment_of("generation"),
    output:
        multiext("<results>/generations/{chain}_r{number}-{job}", ".parquet", ".json"),
    log:
        "<logs>/sample_student/{chain}_r{number}-{job}.log",
    benchmark:
        "<benchmarks>/sample_student/{chain}_r{number}-{job}.tsv"
    params:
        python=python("generation"),
        settings=GENERATION,
        folder=lambda w, output: os.path.dirname(output[0]),
        tokens=lambda w, input: ROUND_TOKENS,
        name=lambda w: f"{w.chain}_r{w.number}",
        recipe=DATA_RECIPE,


use rule build_self_distilled_stream as build_round_stream with:
    input:
        shards=shards_of_rounds,
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/{chain}_r{number}"),
    log:
        "<logs>/streams/{chain}_r{number}.log",
    benchmark:
        "<benchmarks>/streams/{chain}_r{number}.tsv"
    params:
        prefix=lambda w, output: output[2].removesuffix(".json"),
        tokens=lambda w, input: ROUND_TOKENS * (int(w.number) if w.chain == "accumulate" else 1),
        name=lambda w: f"{w.chain}_r{w.number}",
        recipe=DATA_RECIPE,
