# Mixtures of natural and synthetic text (arXiv 2510.01631): laws, best shares, unigrams, statistics of every kind.
localrules:
    fit_mixtures,
    describe_kinds,
    count_unigrams,
    check_mixture_claims,
    mixtures,


rule fit_mixtures:
    input:
        packs=packs_of_mixtures,
        code=code("scaling"),
    output:
        fits="<results>/mixtures/fits.json",
        laws="<results>/mixtures/laws.csv",
        ratios="<results>/mixtures/ratios.csv",
    log:
        "<logs>/fit_mixtures.log",
    benchmark:
        "<benchmarks>/fit_mixtures.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        results=[f"{RESULTS}/tables/studies/{study}" for study in MIXTURE_STUDIES],
        settings=scale.analysis.model_dump_json(),
    shell:
        "python -m workflow_scripts.scaling.mixtures --results {params.results} --settings {params.settings:q}"
        " --output {output.fits} --summary {output.laws} --ratios {output.ratios} 2>&1 | tee {log}"


rule describe_kinds:
    input:
        natural=stream(f"<results>/streams/{NATURAL_STREAM}"),
        kinds=[stream(f"<results>/streams/{kind}") for kind in KINDS],
        tokenizer="<results>/corpus/tokenizer.json",
        code=code("megadocs"),
    output:
        card="<results>/mixtures/kinds.md",
        json="<results>/mixtures/kinds.json",
    log:
        "<logs>/describe_kinds.log",
    benchmark:
        "<benchmarks>/describe_kinds.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        natural=lambda w, input: input.natural[2].removesuffix(".json"),
        tokens=MIXTURES and MIXTURES.source_tokens,
        kinds=kind_pairs,
    shell:
        "python -m workflow_scripts.megadocs.kind_card --natural {params.natural} --natural-tokens {params.tokens}"
        " --kinds {params.kinds} --tokenizer {input.tokenizer} --output {output.card} --json {output.json} 2>&1 | tee {log}"


rule count_unigrams:
    input:
        natural=stream(f"<results>/streams/{NATURAL_STREAM}"),
        kinds=[stream(f"<results>/streams/{kind}") for kind in KINDS],
        domains=[stream(f"<results>/streams/validation/{name}") for name in DOMAINS],
        code=code("evaluation"),
    output:
        "<results>/mixtures/unigrams.csv",
    log:
        "<logs>/count_unigrams.log",
    benchmark:
        "<benchmarks>/count_unigrams.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        natural=lambda w, input: input.natural[2].removesuffix(".json"),
        tokens=MIXTURES and MIXTURES.source_tokens,
        shares=sorted({run.mixing_ratio for run in MIXTURE_RUNS.values() if run.stream in KINDS}),
        kinds=kind_pairs,
        domains=domain_pairs,
    shell:
        "python -m workflow_scripts.evaluation.unigrams --natural {params.natural} --kinds {params.kinds}"
        " --shares {params.shares} --tokens {params.tokens} --domains {params.domains} --output {output} 2>&1 | tee {log}"


use rule check_claims as check_mixture_claims with:
    input:
        packs=packs_of_mixtures,
        unigrams=unigrams_at_hand,
        claims=CLAIMS,
        numbers=f"{HOME}workflow_scripts/claims/published_numbers.yaml",
        code=code("claims", "planted", "scaling"),
    output:
        json="<results>/mixtures/claims/claims.json",
        md="<results>/mixtures/claims/claims.md",
        csv="<results>/mixtures/claims/claims.csv",
    log:
        "<logs>/check_mixture_claims.log",
    benchmark:
        "<benchmarks>/check_mixture_claims.tsv"
    params:
        settings=scale.analysis.model_dump_json(),
        column=COLUMN,
        packs=[f"{RESULTS}/tables/studies/{study}" for study in MIXTURE_STUDIES],
        unigrams=lambda w, input: f"--unigrams '{COLUMN}' {input.unigrams}" if input.unigrams else "",
        planted=settings.model_copy(update=PAPER).model_dump_json(),


rule mixtures:
    input:
        mixture_targets,
