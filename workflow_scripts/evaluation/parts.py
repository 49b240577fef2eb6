"""Parts that documents of a validation set are dealt into: a bootstrap over parts stands for one over documents."""

import pyarrow as pa

from workflow_scripts.common.seeds import named_hash

PARTS = 32


def parts_of(losses: pa.Table) -> list[dict]:
    """Summed losses and predicted tokens of every part of a set, from those of its documents."""
    sums: dict[int, list] = {}
    for row in losses.to_pylist():
        own = sums.setdefault(named_hash("part", row["doc_id"]) % PARTS, [0.0, 0])
        own[0] += row["loss_sum_nats"]
        own[1] += row["predicted_tokens"]
    return [{"part": n, "loss_sum_nats": sums[n][0], "predicted_tokens": sums[n][1]} for n in sorted(sums)]
