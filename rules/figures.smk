# Figures: pure functions of the tables of losses and fits.
localrules:
    draw_figure,


rule draw_figure:
    input:
        summary=rules.fit_data_efficiency.output.summary,
        analysis=rules.fit_data_efficiency.output.analysis,
        code=code("figures"),
    output:
        pdf="<results>/figures/{figure}.pdf",
        png=report(
            "<results>/figures/{figure}.png",
            category="Megadocs",
            caption="report/figure.rst",
            labels=lambda w: {"figure": FIGURES[w.figure], "scale": settings.scale},
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
    shell:
        "python -m workflow_scripts.figures.{wildcards.figure} --summary {input.summary}"
        " --analysis {input.analysis} --scale {params.scale} --output {output.pdf} 2>&1 | tee {log}"
