"""Losses of students on held-out documents, in nats per token, kept per document."""
