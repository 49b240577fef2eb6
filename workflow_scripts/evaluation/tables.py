"""The five tables of a pack: their files, columns, and what tells their rows apart."""

from workflow_scripts.config.runs import Run

SEEN = ["parameters", "non_embedding_parameters", "steps", "trained_tokens", "real_epochs_seen"]
SEEN += ["synthetic_epochs_seen", "synthetic_stream_tokens", "train_loss_nats"]
COLUMNS = {
    "students": [*Run.model_fields, *SEEN],
    "losses": ["run_id", "set", "doc_id", "tokens", "predicted_tokens", "loss_sum_nats"],
    "ensembles": ["ensemble", "members", "set", "doc_id", "tokens", "predicted_tokens", "loss_sum_nats"],
    "downstream": ["run_id", "task", "metric", "accuracy", "stderr", "questions", "shots", "split"]
    + ["harness_version", "task_version"],
    "seed_noise": ["set", "sd_nats", "freedom"],
}
NEWER = {
    "budget_tokens": 0,
    "batch_sequences": 0,
    "context": 0,
    "natural": "",
}  # columns that older packs lack, and their meaning
FILES = {
    "students": "students.csv",
    "losses": "losses.parquet",
    "ensembles": "ensembles.parquet",
    "downstream": "downstream.csv",
    "seed_noise": "seed_noise.csv",
}
KEYS = {
    "students": ["run_id"],
    "losses": ["run_id", "set", "doc_id"],
    "ensembles": ["ensemble", "members", "set", "doc_id"],
    "downstream": ["run_id", "task"],
    "seed_noise": ["set"],
}
