"""The Hugging Face hub: fetch a snapshot once, read it offline afterwards, ask for access before anything is queued.

The cache is the hub's own (HF_HUB_CACHE or HF_HOME; put it on a path that all nodes share), so what is fetched here is
what vLLM, transformers and datasets find. HF_HUB_OFFLINE=1: only the cache is looked at.
"""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, constants, is_offline_mode, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import require_free_disk, write_json
from workflow_scripts.common.hub_reasons import missing, reason
from workflow_scripts.common.hub_repo import FILES, SUFFIXES, Repo

TIMEOUT_S = 10
NETWORK_ERRORS = (httpx2.HTTPError, OSError)  # what the hub's client raises; its own errors are among them


def cached(repo: Repo, cache: str | None = None) -> Path | None:
    """Folder of a snapshot that is whole in the cache; none otherwise. Asks no network."""
    if repo.kind == "stream":
        return None
    try:
        folder = Path(_snapshot(repo, cache, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if _is_usable(repo, folder) else None


def snapshot(repo: Repo, cache: str | None = None, offline: bool = False) -> Path:
    """Folder of a snapshot, downloaded where the cache lacks it. Raises UserError when it can't be had."""
    if folder := cached(repo, cache):
        return folder
    if offline or is_offline_mode():
        raise UserError(f"{repo}: {missing(repo, cache)}")
    return download(repo, cache)


def located(kind: str, place: str, revision: str) -> str:
    """A folder as it is; the snapshot's folder of a repository's name."""
    return place if Path(place).is_dir() else str(snapshot(Repo(kind, place, revision)))


def download(repo: Repo, cache: str | None = None) -> Path:
    """Folder of a snapshot after asking the hub what it lacks. Raises UserError when it can't be had."""
    try:
        lacking = sum(file.file_size or 0 for file in _snapshot(repo, cache, dry_run=True) if file.will_download)
        require_free_disk(cache or constants.HF_HUB_CACHE, lacking, f"fetching {repo.name}")
        folder = Path(_snapshot(repo, cache))
    except NETWORK_ERRORS as error:
        raise UserError(f"{repo}: {reason(repo, error, cache)}") from error
    if not _is_usable(repo, folder):
        raise UserError(f"{repo}: it has no file that ends in {', '.join(SUFFIXES[repo.kind])}; see {repo.url}")
    return folder


def _snapshot(repo: Repo, cache: str | None, **options) -> str | list:
    return snapshot_download(
        repo.name,
        repo_type=repo.type,
        revision=repo.revision,
        cache_dir=cache,
        allow_patterns=FILES[repo.kind],
        ignore_patterns=["original/*"],  # Llama's weights once more, in another form
        **options,
    )


def _is_usable(repo: Repo, folder: Path) -> bool:
    return any(path.name.endswith(SUFFIXES[repo.kind]) for path in folder.rglob("*"))


def access_problem(repo: Repo, cache: str | None = None, offline: bool = False) -> str | None:
    """Why a repository, if the cache lacks it, can't be read by this user; none when it can."""
    if cached(repo, cache):
        return None
    if offline or is_offline_mode():
        return f"{repo}: {missing(repo, cache)}"
    hub = HfApi()
    try:
        hub.repo_info(repo.name, repo_type=repo.type, revision=repo.revision, timeout=TIMEOUT_S)
        hub.auth_check(repo.name, repo_type=repo.type)  # the page of a gated repository is open to all, its files not
    except NETWORK_ERRORS as error:
        return f"{repo}: {reason(repo, error, cache)}"
    return None


def fetch(arguments: argparse.Namespace) -> None:
    """Fetch a snapshot and say where it is. Raises UserError when it can't be had."""
    repo = Repo(arguments.kind, arguments.repo, arguments.revision)
    offline = arguments.offline or is_offline_mode()
    folder = snapshot(repo, arguments.cache, offline=True) if offline else download(repo, arguments.cache)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    content = {"repo": repo.name, "kind": repo.kind, "revision": repo.revision, "commit": folder.name}
    content |= {"bytes": size, "path": str(folder)}
    if arguments.output:
        write_json(arguments.output, content)
    else:
        print(json.dumps(content, indent=2))


def check(arguments: argparse.Namespace) -> None:
    """Say whether all repositories can be read. Raises UserError with every problem at once."""
    repos = sorted(set(map(Repo.parse, arguments.repos)), key=str)
    look = partial(access_problem, cache=arguments.cache, offline=arguments.offline)
    with ThreadPoolExecutor() as pool:
        problems = list(filter(None, pool.map(look, repos)))
    if problems:
        raise UserError(f"{len(problems)} of {len(repos)} repositories can't be read\n  " + "\n  ".join(problems))
    print(f"all {len(repos)} repositories are in the cache or can be read")


if __name__ == "__main__":
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--cache", help="folder of snapshots (default: HF_HUB_CACHE)")
    shared.add_argument("--offline", action="store_true", help="look at the cache only, as HF_HUB_OFFLINE=1 does")
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("fetch", parents=[shared], help="put a snapshot into the cache")
    one.add_argument("--kind", choices=list(FILES), required=True)
    one.add_argument("--repo", required=True, help="owner/name")
    one.add_argument("--revision", default="main", help="commit, tag or branch (default: %(default)s)")
    one.add_argument("--output", help="JSON of what was fetched (default: printed)")
    one.set_defaults(run=fetch)
    many = commands.add_parser("check", parents=[shared], help="ask for access to what the cache lacks")
    many.add_argument("--repos", nargs="+", required=True, help="kind:owner/name@revision")
    many.set_defaults(run=check)
    run_command(lambda arguments: arguments.run(arguments), parser)
