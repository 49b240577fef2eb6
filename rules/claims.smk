# Claims: what the papers say beside what their public numbers, planted losses and our own students give.
localrules:
    check_claims,
    claims,


CLAIMS = f"{HOME}claims.yaml"
PUBLISHED = "results/published"  # written by `python -m workflow_scripts.audit.published`, where there is a network
SHIPPED = sorted(glob_wildcards(f"{HOME}results/shipped/{{scale,[^/]+}}/students.csv").scale)
PAPER = {"scale": "paper", "scales": {"paper": settings.scales["paper"]}}
OWN_CLAIMS = [f"{RESULTS}/{part}claims/claims.json" for part in ("", "mixtures/", "synpro/", "comparison/")]
SYNPRO_SHIPPED = sorted(glob_wildcards(f"{HOME}results/shipped/{{scale}}/synpro/pretrainings.csv").scale)
METHODS_CLAIMED = [f"--methods {s} {HOME}results/shipped/{s}/methods" for s in METHODS_SHIPPED]
UNIGRAMS = sorted(glob_wildcards(f"{HOME}results/shipped/{{scale}}/mixtures/unigrams.csv").scale)
# No planted loss passes for a measured one.
COLUMN = f"planted {settings.scale}" if SOURCE == "planted" else settings.scale


# This scale's own column, and those that need no training.
rule check_claims:
    input:
        packs=[pack(f"<results>/tables/studies/{study}") for study in STUDIES],
        claims=CLAIMS,
        numbers=f"{HOME}workflow_scripts/claims/published_numbers.yaml",
        code=code("claims", "planted", "scaling"),
    output:
        json="<results>/claims/claims.json",
        md=report("<results>/claims/claims.md", category="Claims", caption="report/claims.rst"),
        csv="<results>/claims/claims.csv",
    log:
        "<logs>/check_claims.log",
    benchmark:
        "<benchmarks>/check_claims.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        settings=scale.analysis.model_dump_json(),
        column=COLUMN,
        packs=[f"{RESULTS}/tables/studies/{study}" for study in STUDIES],
        unigrams="",
        planted=settings.model_copy(update=PAPER).model_dump_json(),
    shell:
        "python -m workflow_scripts.claims.check --claims {input.claims} --settings {params.settings:q}"
        " --planted {params.planted:q} --results {params.column:q} {params.packs} {params.unigrams}"
        " --output {output.json} 2>&1 | tee {log}"


# What git ships, planted losses, and this scale's own column if it is there already: always runs, trains nothing.
rule claims:
    input:
        claims=CLAIMS,
        numbers=f"{HOME}workflow_scripts/claims/published_numbers.yaml",
        packs=[pack(f"{HOME}results/shipped/{shipped}") for shipped in SHIPPED],
    log:
        "<logs>/claims.log",
    conda:
        "../envs/workflow.yaml"
    params:
        settings=scale.analysis.model_dump_json(),
        shipped=[f"--results {shipped} {HOME}results/shipped/{shipped}" for shipped in SHIPPED],
        synpro=[f"--synpro {s} {HOME}results/shipped/{s}/synpro" for s in SYNPRO_SHIPPED],
        methods=METHODS_CLAIMED,
        unigrams=[f"--unigrams {s} {HOME}results/shipped/{s}/mixtures/unigrams.csv" for s in UNIGRAMS],
        own=[f"--earlier '{COLUMN}' {path}" for path in OWN_CLAIMS if os.path.exists(path)],
        planted=settings.model_copy(update=PAPER).model_dump_json(),
        published=PUBLISHED,
    shell:
        "python -m workflow_scripts.claims.check --claims {input.claims} --settings {params.settings:q}"
        " --planted {params.planted:q} --published {params.published} {params.shipped} {params.unigrams}"
        " {params.synpro} {params.methods} {params.own} --check 2>&1 | tee {log}"
