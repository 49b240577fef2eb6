# The page: one HTML file with everything in it, for people.
localrules:
    write_page,
    page,


# Of the first part that is at hand: the megadocs study, the comparison of all methods, or mixtures.
PAGE_PART = "" if STUDIES else "comparison/" if methods_of_page() else "mixtures/"
PAGE_PACKS = ["methods"] if PAGE_PART == "comparison/" else [f"studies/{name}" for name in STUDIES or MIXTURE_STUDIES]


rule write_page:
    input:
        headline_files(),
        figures=figure_files(),
        packs=[pack(f"<results>/tables/{name}") for name in PAGE_PACKS],
        claims=f"<results>/{PAGE_PART}claims/claims.json",
        texts=page_texts(),
        methods=methods_of_page(),
        code=code("page", "figures"),
        parts=collect(f"{HOME}workflow_scripts/page/page.{{kind}}", kind=["html", "css", "js"]),
    output:
        "<results>/page.html",
    log:
        "<logs>/write_page.log",
    benchmark:
        "<benchmarks>/write_page.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        config=WHOLE_CONFIG,
        packs=[f"{RESULTS}/tables/{name}" for name in PAGE_PACKS],
        folder=results_folder,
        shipped=f"--shipped {PACK}" if SOURCE == "shipped" else "",
    shell:
        "python -m workflow_scripts.page.page --config {params.config:q} --results {params.packs}"
        " --folder {params.folder} {params.shipped} --output {output} 2>&1 | tee {log}"


rule page:
    input:
        rules.write_page.output,
