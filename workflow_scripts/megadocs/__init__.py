"""Streams: how a document and its generations become rows of training tokens."""
