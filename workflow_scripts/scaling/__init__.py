"""Scaling laws of measured losses, their uncertainty, and data efficiency by inversion."""

import os

# Matrices here are small: threads that wait for each other made a fit seven times as slow (benchmarks/RESULTS.md).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
