"""Writes the JSON schema of config.yaml, generated from the typed models."""

import argparse
import json

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_text
from workflow_scripts.config.models import Config

SCHEMA_PATH = "workflow_scripts/config/schema.json"


def schema_text() -> str:
    """JSON schema, draft 2020-12, as text that changes only when the models do."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def main(arguments: argparse.Namespace) -> None:
    """Write the schema."""
    write_text(arguments.output, schema_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default=SCHEMA_PATH, help="default: %(default)s")
    run_command(main, parser)
