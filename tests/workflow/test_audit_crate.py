"""The export, checked by the checker of its own profile."""

import argparse
import importlib.resources
import json

import pytest
import requests
from rocrate_validator.models import Severity
from rocrate_validator.services import ValidationSettings, validate
from rocrate_validator.utils.http import HttpRequester

from tests.workflow.conftest import ROOT
from tests.workflow.results_folder import SIMPLE, finished
from workflow_scripts.audit import crate
from workflow_scripts.config.load import read_config, without_machines

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
TERMS_OF_1_1 = {  # where that version differs from the one that the library brings along
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}


@pytest.fixture
def offline(monkeypatch):
    """The checker's one request to the web, for the meaning of terms, is answered here; another one fails."""
    content = json.loads((importlib.resources.files("rocrate") / "data/ro-crate.jsonld").read_text())
    content["@context"] |= TERMS_OF_1_1

    def get(requester: HttpRequester, url: str, **options: object) -> requests.Response:
        assert url == CONTEXT
        response = requests.Response()
        response.status_code, response.url = 200, url
        response.headers["Content-Type"] = "application/ld+json"
        response._content = json.dumps(content).encode()
        return response

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)  # it hands `get` on to a session


def issues(folder) -> list[str]:
    """What the checker finds against the profile's requirements."""
    settings = ValidationSettings(
        rocrate_uri=str(folder),
        profile_identifier="provenance-run-crate",
        requirement_severity=Severity.REQUIRED,
        skip_availability_check=True,
    )
    return [f"{issue.violatingEntity}: {issue.message}" for issue in validate(settings).get_issues()]


def test_export_is_valid_and_tells_what_each_student_read(offline, tmp_path, corpus):
    """No issue at the level REQUIRED; without its steps' tools the same crate has some."""
    results = finished(tmp_path, corpus)
    config = without_machines(read_config(ROOT / "config.yaml")).model_dump_json()
    crate.main(argparse.Namespace(folder=str(results), config=config, output=str(tmp_path / "crate")))
    assert issues(tmp_path / "crate") == []
    path = tmp_path / "crate/ro-crate-metadata.json"
    content = json.loads(path.read_text())
    entities = {entity["@id"]: entity for entity in content["@graph"]}
    job = entities[f"#job-train_student-{SIMPLE.run_id}"]
    assert {"@id": "#stream-simple-G2"} in job["object"] and job["result"] == {"@id": f"#student-{SIMPLE.run_id}"}
    assert (tmp_path / "crate/tiny/figures/generation_scaling.csv").exists()
    del entities["#step-train_student"]["workExample"]
    path.write_text(json.dumps(content))
    assert any("tool via workExample" in issue for issue in issues(tmp_path / "crate"))
