# SynPro (arXiv 2605.17849): organic documents, the reference task, students to their plateau and on, generators trained
# by reinforcement, the sets that they write.
localrules:
    write_reference,
    cut_slices,


use rule sample_documents as sample_pool with:
    input:
        documents=f"<results>/corpus/split/{POOL}.parquet",
        more=rules.split_documents.output.more if POOL == "train" else [],
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/synpro/{pool}.parquet",
    log:
        "<logs>/sample_pool/{pool}.log",
    benchmark:
        "<benchmarks>/sample_pool/{pool}.tsv"
    params:
        tokens=pool_tokens,
        recipe=DATA_RECIPE,


use rule tokenise_real_documents as tokenise_pool with:
    input:
        documents="<results>/synpro/{pool}.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        stream("<results>/streams/{pool}"),
    log:
        "<logs>/streams/{pool}.log",
    benchmark:
        "<benchmarks>/streams/{pool}.tsv"


use rule cut_passages as cut_slices with:
    input:
        documents=f"<results>/synpro/{ORGANIC}.parquet",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        "<results>/synpro/slices.parquet",
    log:
        "<logs>/cut_slices.log",
    benchmark:
        "<benchmarks>/cut_slices.tsv"
    params:
        tokens=SYNPRO and SYNPRO.organic_tokens,
        passage=SYNPRO and SYNPRO.slice_tokens,
        recipe=DATA_RECIPE,


rule write_reference:
    input:
        wheel="results/packages/benchmarks.whl",
        tokenizer="<results>/corpus/tokenizer.json",
    output:
        [file for prefix in REFERENCE for file in stream(prefix)],
    log:
        "<logs>/write_reference.log",
    benchmark:
        "<benchmarks>/write_reference.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        settings=SYNPRO and SYNPRO.reference.model_dump_json(),
        prefixes=lambda w, output: [output[2].removesuffix(".json"), output[5].removesuffix(".json")],
        recipe=DATA_RECIPE,
    shell:
        "python -m workflow_scripts.corpus.reference --wheel {input.wheel} --settings {params.settings:q}"
        " --tokenizer {input.tokenizer} --output {params.prefixes[0]} --held-out {params.prefixes[1]} 2>&1 | tee {log}"


rule pretrain_student:
    input:
        pool=pool_streams,
        start=start_state,
        reference=stream(REFERENCE[1]),
        validation=stream("<results>/streams/validation/validation"),
        tokenizer="<results>/corpus/tokenizer.json",
        environment=environment_of("training"),
    output:
        evaluations="<results>/synpro/pretrainings/{pretraining}-s{seed}/evaluations.csv",
        parts="<results>/synpro/pretrainings/{pretraining}-s{seed}/parts.csv",
        plateau="<results>/synpro/pretrainings/{pretraining}-s{seed}/plateau.json",
        state="<results>/synpro/pretrainings/{pretraining}-s{seed}/plateau.safetensors",
        at_plateau=directory("<results>/synpro/pretrainings/{pretraining}-s{seed}/plateau_model"),
        curve="<results>/synpro/pretrainings/{pretraining}-s{seed}/curve.csv",
        throughput="<results>/synpro/pretrainings/{pretraining}-s{seed}/throughput.json",
        model=directory("<results>/synpro/pretrainings/{pretraining}-s{seed}/model"),
        metrics="<results>/synpro/pretrainings/{pretraining}-s{seed}/metrics.json",
    log:
        "<logs>/pretrain_student/{pretraining}-s{seed}.log",
    benchmark:
        "<benchmarks>/pretrain_student/{pretraining}-s{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: lambda w: pretraining_resources(w).cpus
    resources:
        **resources(pretraining_resources),
        processes=lambda w: pretraining_resources(w).gpus,
        process_threads=scale.compute.threads,
        micro_batch=lambda w: pretraining_resources(w).micro_batch_sequences,
        checkpoint_minutes=str(scale.compute.checkpoint_minutes),
        checkpoint=lambda w: f"{CHECKPOINTS}/synpro-{w.pretraining}-s{w.seed}",
        attempts=lambda w: f"{RESULTS}/attempts/synpro-{w.pretraining}-s{w.seed}.jsonl",
        attempt=lambda w, attempt: attempt,
    params:
        python=python("training"),
        options=pretraining_options,
        training=SYNPRO and synpro_training(SYNPRO.batch_sequences),
        student=SYNPRO and synpro_student(),
        plateau=SYNPRO and SYNPRO.plateau.model_dump_json(),
        pool=lambda w, input: [path.removesuffix(".json") for path in input.pool[2::3]],
        reference=lambda w, input: input.reference[2].removesuffix(".json"),
        validation=lambda w, input: input.validation[2].removesuffix(".json"),
        folder=lambda w, output: os.path.dirname(output.metrics),
    shell:
        "{params.python} -m workflow_scripts.training.launch --module pretrain --gpus {resources.processes}"
        " --attempt {resources.attempt} --attempts {resources.attempts} --"
        " --name {wildcards.pretraining} --streams {params.pool} {params.options}"
        " --evaluate reference={params.reference}:answer validation={params.validation} --plateau {params.plateau:q}"
        " --tokenizer {input.tokenizer} --student {params.student:q} --training {params.training:q}"
        " --threads {resources.process_threads} --micro-batch-sequences {resources.micro_batch}"
        " --checkpoint {resources.checkpoint} --checkpoint-minutes {resources.checkpoint_minutes}"
        " --output {params.folder} >> {log} 2>&1"


# The student after a short training on the reference task: influence is what that changed.
rule probe_student:
    input:
        start="<results>/synpro/pretrainings/{pretraining}-s{seed}/plateau.safetensors",
        streams=[file for prefix in REFERENCE for file in stream(prefix)],
        tokenizer="<results>/corpus/tokenizer.json",
        environment=environment_of("training"),
    output:
        model=directory("<results>/synpro/probes/{pretraining}-s{seed}/model"),
        metrics="<results>/synpro/probes/{pretraining}-s{seed}/metrics.json",
    log:
        "<logs>/probe_student/{pretraining}-s{seed}.log",
    benchmark:
        "<benchmarks>/probe_student/{pretraining}-s{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: lambda w: pretraining_resources(w).cpus
    resources:
        **resources(pretraining_resources),
        process_threads=scale.compute.threads,
        micro_batch=lambda w: pretraining_resources(w).micro_batch_sequences,
    params:
        python=python("training"),
        options=probe_options,
        training=SYNPRO and synpro_training(SYNPRO.probe.batch_sequences),
        student=SYNPRO and synpro_student(),
        streams=lambda w, input: [path.removesuffix(".json") for path in input.streams[2::3]],
        plateau='{"of": "reference"}',
        folder=lambda w, output: os.path.dirname(output.metrics),
    shell:
        "{params.python} -m workflow_scripts.training.pretrain --name probe --streams {params.streams[0]}"
        " {params.options} --evaluate reference={params.streams[1]}:answer --plateau {params.plateau:q}"
        " --tokenizer {input.tokenizer} --student {params.student:q} --training {params.training:q}"
        " --threads {resources.process_threads} --micro-batch-sequences {resources.micro_batch}"
        " --output {params.folder} > {log} 2>&1"
