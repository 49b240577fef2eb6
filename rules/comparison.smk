# All methods on one protocol: who writes, texts of every method, streams of every arm. Students: train.smk.
localrules:
    cut_scarce_passages,
    build_method_stream,
    build_arm,


use rule sample_documents as sample_scarce_documents with:
    input:
        documents=f"<results>/corpus/split/{POOL}.parquet",
        more=rules.split_documents.output.more if POOL == "train" else [],
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/comparison/documents.parquet",
    log:
        "<logs>/sample_scarce_documents.log",
    benchmark:
        "<benchmarks>/sample_scarce_documents.tsv"
    params:
        tokens=COMPARISON and COMPARISON.organic_tokens,
        recipe=DATA_RECIPE,


use rule cut_passages as cut_scarce_passages with:
    input:
        documents="<results>/comparison/documents.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/comparison/passages.parquet",
    log:
        "<logs>/cut_scarce_passages.log",
    benchmark:
        "<benchmarks>/cut_scarce_passages.tsv"
    params:
        tokens=COMPARISON and COMPARISON.organic_tokens,
        passage=COMPARISON and COMPARISON.passage_tokens,
        recipe=DATA_RECIPE,


# Repetition's student, stopped early: the weaker one of two checkpoints.
use rule train_student as train_early_student with:
    output:
        curve="<results>/comparison/early/{run}/curve.csv",
        throughput="<results>/comparison/early/{run}/throughput.json",
        model=directory("<results>/comparison/early/{run}/model"),
        metrics="<results>/comparison/early/{run}/metrics.json",
    log:
        "<logs>/train_early_student/{run}.log",
    benchmark:
        "<benchmarks>/train_early_student/{run}.tsv"
    resources:
        **resources(training),
        processes=lambda w: training(w).gpus,
        process_threads=scale.compute.threads,
        micro_batch=lambda w: training(w).micro_batch_sequences,
        checkpoint_minutes=str(scale.compute.checkpoint_minutes),
        checkpoint=lambda w: f"{CHECKPOINTS}/early-{w.run}",
        attempts=lambda w: f"{RESULTS}/attempts/early-{w.run}.jsonl",
        attempt=lambda w, attempt: attempt,
    params:
        python=python("training"),
        options=early_options,
        training=training_settings,
        student=student_settings,
        real=lambda w, input: input.real[2].removesuffix(".json"),
        validation=lambda w, input: input.validation[2].removesuffix(".json"),
        folder=lambda w, output: os.path.dirname(output.metrics),


rule write_method:
    input:
        documents="<results>/comparison/documents.parquet",
        passages="<results>/comparison/passages.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
        model=llm_files(),
        students=students_of_method,
        server=SERVER,
        environment=environment_of("generation"),
        module=lambda w: f"{METHOD_FOLDER}/{OWN_METHODS[w.method].module}.py",
    output:
        texts="<results>/methods/{method}.parquet",
        record="<results>/methods/{method}.json",
    log:
        "<logs>/write_method/{method}.log",
    benchmark:
        "<benchmarks>/write_method/{method}.tsv"
    conda:
        "../envs/generation.yaml"
    threads: lambda w: method_resources(w).cpus
    resources:
        **resources(method_resources),
        journal=f"{SCRATCH}/generations/journal",
    params:
        python=python("generation"),
        method=lambda w: OWN_METHODS[w.method].model_dump_json(),
        comparison=COMPARISON and method_settings,
        generation=GENERATION,
        llm=LLM_SETTINGS,
        model=llm_location,
        server=lambda w, input: f"--server {input.server}" if input.server else "",
        students=lambda w, input: f"--students {input.students}" if input.students else "",
        recipe=DATA_RECIPE,
    shell:
        "{params.python} -m workflow_scripts.methods.write --name {wildcards.method} --method {params.method:q}"
        " --comparison {params.comparison:q} --generation {params.generation:q} --llm {params.llm:q}"
        " --model {params.model} {params.server} {params.students} --documents {input.documents}"
        " --passages {input.passages} --tokenizer {input.tokenizer} --journal {resources.journal}"
        " --output {output.texts} 2>&1 | tee {log}"


rule build_method_stream:
    input:
        texts="<results>/methods/{method}.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/methods/{method}"),
    log:
        "<logs>/streams/methods/{method}.log",
    benchmark:
        "<benchmarks>/streams/methods/{method}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.method_stream --name {wildcards.method} --texts {input.texts}"
        " --tokenizer {input.tokenizer} --output {params.prefix} 2>&1 | tee {log}"


rule build_arm:
    input:
        sources=sources_of_arm,
        natural=natural_of_arm,
    output:
        stream("<results>/streams/arms/{arm}"),
    log:
        "<logs>/streams/arms/{arm}.log",
    benchmark:
        "<benchmarks>/streams/arms/{arm}.tsv"
    conda:
        "../envs/workflow.yaml"
    resources:
        **resources(arm_resources),
    params:
        sources=lambda w, input: [path.removesuffix(".json") for path in input.sources[2::3]],
        tokens=lambda w: ARMS[w.arm].synthetic_tokens or COMPARISON.synthetic_tokens,
        natural=stitching_options,
        prefix=lambda w, output: output[2].removesuffix(".json"),
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.megadocs.arm --name {wildcards.arm} --sources {params.sources}"
        " --tokens {params.tokens} {params.natural} --output {params.prefix} 2>&1 | tee {log}"
