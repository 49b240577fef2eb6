# Needs Python >= 3.11, make and git. Everything else is installed, pinned, into .venv* here.
PYTHON ?= python3
SCALE ?=
CORES ?= all
SNAKEMAKE = .venv/bin/snakemake --cores $(CORES) $(if $(SCALE),--config scale=$(SCALE))

.PHONY: figures test test-slurm test-slurm-faults venv environments ship clean help

figures: venv ## all figures at the default scale (SCALE=smoke for another one)
	$(SNAKEMAKE)

test: venv ## all tests; the environments that are missing are installed on the way
	PYTHON=$(PYTHON) tests/run

test-slurm: environments ## the smoke scale and its worst day on a throwaway SLURM of Debian packages (8 minutes)
	.venv/bin/python -m pytest tests/slurm -q --durations=5

test-slurm-faults: environments ## the same with all studies, and with every fault that a cluster is known for
	.venv/bin/python -m pytest tests/slurm -q --durations=5 --everything

venv: ## the workflow's own environment, in .venv
	@$(PYTHON) envs/install.py workflow

environments: ## all three environments: workflow, training (torch), generation (vLLM)
	@$(PYTHON) envs/install.py workflow training generation

ship: venv ## copy what git ships of results/SCALE into results/shipped, with the list of it (SCALE=replication)
	.venv/bin/python -m workflow_scripts.audit.ship $(if $(SCALE),--from results/$(SCALE))

clean: ## remove environments and results; what is shipped stays
	rm -rf .venv .venv-training .venv-generation .snakemake
	git clean -fdxq results

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'
