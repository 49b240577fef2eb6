"""Settings that quantities are made of, picked by stream and G; of several candidates the best one of the tuning."""

from workflow_scripts.claims.evidence import IID, MAIN, Evidence, NotMeasured
from workflow_scripts.scaling.bootstrap import Setting


def matching(settings: list[Setting], **wanted: object) -> list[Setting]:
    """Settings whose key has these values; what is None is not asked."""
    asked = {key: value for key, value in wanted.items() if value is not None}
    return [s for s in settings if all(s.key[key] == value for key, value in asked.items())]


def pick(evidence: Evidence, study: str, name: str = IID, **wanted: object) -> Setting:
    """The setting of a study that fits; of several, the best on the tuning documents.

    Where there are no tuning documents, the best on the reported set, as the authors choose. Raises NotMeasured.
    """
    found = matching(evidence.settings(study), **wanted)
    if not found:
        described = ", ".join(f"{key} {value}" for key, value in wanted.items() if value is not None)
        raise NotMeasured(f"study {study} has no student with {described}")
    if len(found) > 1 and evidence.has(study, "tuning"):
        tried = [s for s in evidence.settings(study, "tuning") if s.key in [f.key for f in found]]
        found = [f for f in found if f.key == min(tried, key=lambda s: s.loss).key] if tried else found
    best = min(found, key=lambda s: s.loss)
    if name == IID:
        return best
    other = [s for s in evidence.settings(study, name) if s.key == best.key]
    if not other:
        raise NotMeasured(f"the best {best.stream} student is not evaluated on {name}")
    return other[0]


def generations_of(evidence: Evidence, study: str, stream: str) -> list[int]:
    """Counts G of a stream in a study, ascending. Raises NotMeasured without any."""
    found = sorted({s.generations for s in matching(evidence.settings(study), stream=stream) if s.generations})
    if not found:
        raise NotMeasured(f"study {study} has no {stream} students")
    return found


def reference_tokens(evidence: Evidence, study: str = MAIN) -> int:
    """D of a study's synthetic students, which its real-only baseline shares. Raises NotMeasured without any."""
    found = {s.real_tokens for s in evidence.settings(study) if s.stream != "real"}
    if not found:
        raise NotMeasured(f"study {study} has no synthetic students")
    return min(found)


def real_only(evidence: Evidence, study: str = MAIN, name: str = IID, **wanted: object) -> Setting:
    """The real-only student at the reference D."""
    tokens = reference_tokens(evidence, study)
    return pick(evidence, study, name, stream="real", real_tokens=tokens, **wanted)


def at(evidence: Evidence, stream: str, generations: int | None = None, study: str = MAIN, name: str = IID) -> Setting:
    """A stream at G; without G at its largest one."""
    count = generations or generations_of(evidence, study, stream)[-1]
    return pick(evidence, study, name, stream=stream, generations=count)


def best_of(evidence: Evidence, streams: list[str], generations: int | None = None, study: str = MAIN) -> Setting:
    """The stream of the lowest loss at G among several, on the tuning documents where there are some."""
    found = [at(evidence, stream, generations, study) for stream in streams if _has(evidence, study, stream)]
    if not found:
        raise NotMeasured(f"study {study} has no {' or '.join(streams)} students")
    if len(found) > 1 and evidence.has(study, "tuning"):
        return min(found, key=lambda s: at(evidence, s.stream, s.generations, study, "tuning").loss)
    return min(found, key=lambda s: s.loss)


def _has(evidence: Evidence, study: str, stream: str) -> bool:
    return bool(matching(evidence.settings(study), stream=stream))
