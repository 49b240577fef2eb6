# Figures: pure functions of the tables of losses and fits.
FIGURES = {
    "generation_scaling": "Loss against generations per document",
    "data_efficiency": "Baseline law and data efficiency",
    "context_length": "Short and long documents",
}


def figure_files():
    """PDF of every figure; PNG and CSV come with it."""
    return expand("<results>/figures/{figure}.pdf", figure=FIGURES)


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
            caption="report/{figure}.rst",
            labels=lambda w: {"figure": FIGURES[w.figure], "scale": settings.scale},
        ),
        csv="<results>/figures/{figure}.csv",
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    conda:
        "../envs/workflow.yaml"
    params:
        scale=settings.scale,
    wildcard_constraints:
        figure="|".join(FIGURES),
    shell:
        "{sys.executable} -m workflow_scripts.figures.{wildcards.figure} --summary {input.summary}"
        " --analysis {input.analysis} --scale {params.scale} --output {output.pdf} 2>&1 | tee {log}"
