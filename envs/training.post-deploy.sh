python envs/install.py training --into "$CONDA_PREFIX" --accelerator "${MEGADOCS_ACCELERATOR:-cpu}"
