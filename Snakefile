# megadocs: from web documents to the data-efficiency figures. Everything is a file target:
#     snakemake --cores all                                             all figures at the default scale
#     snakemake --config scale=smoke -n                                 what another scale would do
#     snakemake results/laptop/figures/generation_scaling.pdf           one figure
from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "rules/report/workflow.rst"


include: "rules/common.smk"


pathvars:
    results=f"results/{settings.scale}",
    logs=f"results/{settings.scale}/logs",
    benchmarks=f"results/{settings.scale}/benchmarks",


include: "rules/functions.smk"
include: "rules/environments.smk"
include: "rules/data.smk"
include: "rules/generate.smk"
include: "rules/megadocs.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/fit.smk"
include: "rules/figures.smk"
include: "rules/audit.smk"


onstart:
    take_workflow_lock()


localrules:
    all,
    figures,
    tuning,


rule all:
    default_target: True
    input:
        rules.write_run_table.output,
        rules.describe_generations.output,
        figure_files(),
        rules.summarise_times.output,
        rules.tabulate_results.output,


rule figures:
    input:
        figure_files(),


rule tuning:
    input:
        rules.choose_hyperparameters.output,
