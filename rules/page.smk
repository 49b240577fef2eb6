# The page: one HTML file with everything in it, for people.
localrules:
    write_page,
    page,


rule write_page:
    input:
        figures=figure_files(),
        packs=[pack(f"<results>/tables/studies/{study}") for study in STUDIES],
        summary=rules.fit_data_efficiency.output.summary,
        analysis=rules.fit_data_efficiency.output.analysis,
        claims="<results>/claims/claims.json",
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
        packs=[f"{RESULTS}/tables/studies/{study}" for study in STUDIES],
        folder=results_folder,
        shipped=f"--shipped {PACK}" if SOURCE == "shipped" else "",
    shell:
        "python -m workflow_scripts.page.page --config {params.config:q} --results {params.packs}"
        " --folder {params.folder} {params.shipped} --output {output} 2>&1 | tee {log}"


rule page:
    input:
        rules.write_page.output,
