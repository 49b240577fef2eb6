# Figures: pure functions of packs, the tables of what was measured.
localrules:
    draw_figure,


rule draw_figure:
    input:
        packs=packs_of_figure,
        code=code("figures", "scaling"),
    output:
        pdf="<results>/figures/{figure}.pdf",
        svg="<results>/figures/{figure}.svg",
        png=report(
            "<results>/figures/{figure}.png",
            category="Figures",
            subcategory=lambda w: FIGURES[w.figure].paper,
            caption="report/figure.rst",
            labels=lambda w: {"figure": FIGURES[w.figure].title, "scale": settings.scale},
        ),
        csv="<results>/figures/{figure}.csv",
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../envs/workflow.yaml"
    params:
        scale=settings.scale,
        source=settings.runs.source,
        settings=scale.analysis.model_dump_json(),
        real_tokens=scale.corpus.real_tokens,
        results=folders_of_figure,
    shell:
        "python -m workflow_scripts.figures.{wildcards.figure} --results {params.results}"
        " --settings {params.settings:q} --real-tokens {params.real_tokens} --scale {params.scale}"
        " --source {params.source} --output {output.pdf} 2>&1 | tee {log}"
