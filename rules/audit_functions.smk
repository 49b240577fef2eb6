# What the audit looks at.
TRACED_RESULTS = f"{HOME}results/shipped/{settings.scale}" if settings.runs.source == "shipped" else RESULTS


def manifest_files():
    """Manifests of the students; none where none are trained."""
    return rules.write_manifests.output if settings.runs.source == "rerun" else []


def targets_of_call():
    """What this call of Snakemake was asked for."""
    return set(workflow.dag_settings.targets)


def figure_unless_traced(figure):
    """Function that gives a figure's file; none where the figure is there to be traced. Raises WorkflowError."""

    def file(wildcards):
        if "trace" in targets_of_call():
            return []
        if figure in scale.left_out:
            raise WorkflowError(f"scale {settings.scale} has no figure {figure}: {scale.left_out[figure]}")
        if FIGURES[figure].paper == MIXTURE_PAPER and not mixture_studies(scale):
            raise WorkflowError(f"scale {settings.scale} has no mixture studies, which figure {figure} is drawn of")
        return f"{RESULTS}/figures/{figure}.pdf"

    return file


def traced_figures(wildcards):
    """Figures that were named beside `trace`. Raises WorkflowError without one, and where nothing was trained."""
    if settings.runs.source == "planted":
        raise WorkflowError("planted losses are drawn from a law (workflow_scripts/planted): there is nothing to trace")
    named = [figure for figure in FIGURES if figure in targets_of_call()]
    if not named:
        raise WorkflowError(f"`snakemake trace FIGURE` needs a figure: {', '.join(FIGURES)}")
    return named
