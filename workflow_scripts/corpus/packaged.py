"""Which data package a source reads; no heavy import, so that a Snakefile may ask."""

from workflow_scripts.config.corpus import Source

PACKAGE_OF_KIND = {"news": "news", "newsgroups": "orange", "reuters": "orange"}


def package_of(source: Source) -> str | None:
    """Data package that a source reads, if it is a packaged one."""
    return PACKAGE_OF_KIND.get(source.kind)
