# Token streams: real documents, validation sets, and documents joined with their generations.


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
    params:
        settings=scale.generation.model_dump_json(),
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
        stream="stitched|stitched_real_first|stitched_no_real|latent|latent_no_real",
    conda:
        "../envs/workflow.yaml"
    params:
        settings=scale.generation.model_dump_json(),
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
        stream="|".join(SHUFFLED),
    conda:
        "../envs/workflow.yaml"
    params:
        source=lambda w, input: input[2].removesuffix(".json"),
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.shuffle --stream {wildcards.stream}-G{wildcards.generations}"
        " --input {params.source} --output {params.prefix} 2>&1 | tee {log}"
