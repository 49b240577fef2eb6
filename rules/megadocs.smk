# Token streams: real documents, validation sets, documents joined with their generations, the authors' released streams,
# and a student's own texts.
localrules:
    tokenise_validation_set,


rule tokenise_real_documents:
    input:
        documents="<results>/corpus/train.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/real"),
    log:
        "<logs>/streams/real.log",
    benchmark:
        "<benchmarks>/streams/real.tsv"
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(corpus),
    params:
        settings=STREAM_SETTINGS,
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.build --stream real --settings {params.settings:q}"
        " --documents {input.documents} --tokenizer {input.tokenizer} --output {params.prefix} 2>&1 | tee {log}"


use rule tokenise_real_documents as tokenise_validation_set with:
    input:
        documents=validation_documents,
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/validation/{set}"),
    log:
        "<logs>/streams/validation/{set}.log",
    benchmark:
        "<benchmarks>/streams/validation/{set}.tsv"


rule build_stream:
    input:
        documents="<results>/corpus/train.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
        shards=lambda w: shards("latent_thoughts" if w.stream.startswith("latent") else "rephrase"),
    output:
        stream("<results>/streams/{stream}-G{generations}"),
    log:
        "<logs>/streams/{stream}-G{generations}.log",
    benchmark:
        "<benchmarks>/streams/{stream}-G{generations}.tsv"
    wildcard_constraints:
        stream=JOINED if OURS else NOTHING,
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(packing),
    params:
        settings=STREAM_SETTINGS,
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.build --stream {wildcards.stream}"
        " --generations {wildcards.generations} --settings {params.settings:q} --documents {input.documents}"
        " --shards {input.shards} --tokenizer {input.tokenizer} --output {params.prefix} 2>&1 | tee {log}"


rule shuffle_stream:
    input:
        lambda w: stream(f"<results>/streams/{SHUFFLED[w.stream]}-G{w.generations}"),
    output:
        stream("<results>/streams/{stream}-G{generations}"),
    log:
        "<logs>/streams/{stream}-G{generations}.log",
    benchmark:
        "<benchmarks>/streams/{stream}-G{generations}.tsv"
    wildcard_constraints:
        stream="|".join(SHUFFLED) if OURS else NOTHING,
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(packing),
    params:
        source=lambda w, input: input[2].removesuffix(".json"),
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.shuffle --stream {wildcards.stream}-G{wildcards.generations}"
        " --input {params.source} --output {params.prefix} 2>&1 | tee {log}"


# The authors' own streams: with `generation.source: released` a cluster starts with training.
rule tokenise_released_stream:
    input:
        dataset=released_files,
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/{released}"),
    log:
        "<logs>/streams/{released}.log",
    benchmark:
        "<benchmarks>/streams/{released}.tsv"
    wildcard_constraints:
        released="|".join(RELEASED) or NOTHING,
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(released_packing),
    params:
        stream=lambda w: f"{RELEASED[w.released].stream} --generations {RELEASED[w.released].generations}",
        source=lambda w: scale.generation.released[w.released].model_dump_json(),
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.released --stream {params.stream} --source {params.source:q}"
        " --tokenizer {input.tokenizer} --output {params.prefix} 2>&1 | tee {log}"


ruleorder: tokenise_released_stream > build_self_distilled_stream


rule build_self_distilled_stream:
    input:
        shards=expand("<results>/generations/self_distilled-{job}.parquet", job=range(scale.generation.jobs)),
        tokens=f"<results>/streams/simple-G{max(scale.generation.counts)}.json",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/self_distilled"),
    log:
        "<logs>/streams/self_distilled.log",
    benchmark:
        "<benchmarks>/streams/self_distilled.tsv"
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(self_distilled_packing),
    params:
        prefix=lambda w, output: output[2].removesuffix(".json"),
        tokens=lambda w, input: input.tokens,
        name="self_distilled",
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.self_distilled --shards {input.shards} --tokens {params.tokens}"
        " --name {params.name}"
        " --tokenizer {input.tokenizer} --output {params.prefix} 2>&1 | tee {log}"
