python envs/install.py generation --into "$CONDA_PREFIX" --accelerator "${MEGADOCS_ACCELERATOR:-cpu}"
