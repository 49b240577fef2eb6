"""Why a repository of the Hugging Face hub can't be read, and what helps."""

from huggingface_hub import constants
from huggingface_hub.errors import (
    DryRunError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from workflow_scripts.common.hub_repo import Repo


def missing(repo: Repo, cache: str | None) -> str:
    """How to fill the cache for a machine without a network."""
    place = cache or constants.HF_HUB_CACHE
    if repo.kind == "stream":
        return "it is read as a stream (stop_after), which needs a network: run its rule where there is one"
    return (
        f"it is not (or not wholly) in the cache {place}. On a machine that has a network, and the same cache, run "
        "`python -m workflow_scripts.common.hub fetch "
        f"--kind {repo.kind} --repo {repo.name} --revision {repo.revision} --cache {place}`"
    )


def reason(repo: Repo, error: Exception, cache: str | None) -> str:
    """What keeps a user from a repository, and what helps."""
    if isinstance(error, DryRunError | LocalEntryNotFoundError) and error.__cause__:
        error = error.__cause__
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, GatedRepoError) and status == 401:
        return f"it is gated, and no token is given: accept its licence at {repo.url}, then run `hf auth login`"
    if isinstance(error, GatedRepoError):
        return (
            f"it is gated, and your account has no access: accept its licence at {repo.url} with the account that "
            "`hf auth whoami` names (some owners confirm by hand), or change the account by `hf auth login`"
        )
    if isinstance(error, RevisionNotFoundError):
        return f"there is no such revision; {repo.url}/commits/main lists them"
    if isinstance(error, RepositoryNotFoundError):
        return f"there is no {repo.url}, or it is private: check the name; for a private one, run `hf auth login`"
    if status == 401:
        return "the hub does not accept your token (expired?): run `hf auth login`, or set HF_TOKEN to a valid one"
    if status:
        return f"the hub answered {status} ({str(error).splitlines()[0]}): try again later"
    return f"the hub can't be reached ({type(error).__name__}: {error}); {missing(repo, cache)}"
