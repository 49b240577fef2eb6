# megadocs: from web documents to the data-efficiency figures. Everything is a file target:
#     snakemake                                                 all figures at the default scale
#     snakemake --config scale=smoke -n                         what another scale would do
#     snakemake results/laptop/figures/generation_scaling.pdf   one figure
#     snakemake plan --config scale=paper                       what it would cost, before anything runs
#     snakemake --config scale=replication source=shipped       from the losses in git; nothing is trained
#     snakemake --profile slurm --config scale=paper            on a cluster; slurm/README.md
#     snakemake status                                          how far it is
from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "rules/report/workflow.rst"


include: "rules/common.smk"


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


include: "rules/functions.smk"
include: "rules/mixture_functions.smk"
include: "rules/resources.smk"
include: "rules/synpro_functions.smk"
include: "rules/comparison_functions.smk"


if SOURCE == "rerun":

    include: "rules/environments.smk"
    include: "rules/data.smk"
    include: "rules/generate.smk"
    include: "rules/quality.smk"
    include: "rules/megadocs.smk"
    include: "rules/kinds.smk"
    include: "rules/train.smk"
    include: "rules/evaluate.smk"
    include: "rules/downstream.smk"
    include: "rules/synpro.smk"
    include: "rules/synpro_sets.smk"
    include: "rules/synpro_measures.smk"
    include: "rules/comparison.smk"

else:

    include: "rules/sources.smk"


include: "rules/collect.smk"
include: "rules/tune.smk"
include: "rules/fit.smk"
include: "rules/figures.smk"
include: "rules/tables.smk"
include: "rules/audit.smk"
include: "rules/claims.smk"
include: "rules/mixtures.smk"
include: "rules/synpro_tables.smk"
include: "rules/laws.smk"
include: "rules/comparison_tables.smk"
include: "rules/page.smk"
include: "rules/plan.smk"


onstart:
    start_work()


localrules:
    all,
    figures,
    tuning,


rule all:
    default_target: True
    input:
        rules.write_run_table.output,
        figure_files(),
        rules.tabulate_results.output if MAIN in STUDIES else [],
        table_files(),
        made_here(),


rule figures:
    input:
        figure_files(),


rule tuning:
    input:
        rules.list_candidates.output,
        certificates,
