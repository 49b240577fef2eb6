"""The comparison's students as studies of the run table: every arm tuned by itself, and as simple rephrases are."""

from workflow_scripts.config.base import REAL
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.config.models import Rows, Scale, Study
from workflow_scripts.config.synpro import UNIQUE

COMPARISON, AS_SIMPLE = "comparison", "comparison_as_simple"
STUDIES = (COMPARISON, AS_SIMPLE)


def comparison_studies(scale: Scale) -> dict[str, Study]:
    """Studies by name; none for a scale without a comparison."""
    own = scale.comparison
    if own is None:
        return {}
    frame = {"student": [own.student], "context": own.context, "batch_sequences": own.batch_sequences}
    frame |= {"natural": UNIQUE, "seeds": own.seeds}
    baseline = Rows(stream=[REAL], real_tokens=sorted(own.baseline_tokens), **frame)
    arms = {"stream": list(own.arms), "real_tokens": [own.organic_tokens], **frame}
    return {
        COMPARISON: Study(title="all methods on one protocol", rows=[baseline, Rows(**arms)]),
        AS_SIMPLE: Study(
            title="all methods with the hyper-parameters of simple rephrases", rows=[Rows(**arms, tuned_as=SIMPLE)]
        ),
    }
