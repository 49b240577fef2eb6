python envs/install.py workflow --into "$CONDA_PREFIX" --accelerator "${MEGADOCS_ACCELERATOR:-cpu}"
