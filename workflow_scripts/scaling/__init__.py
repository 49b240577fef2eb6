"""Scaling laws of measured losses, their uncertainty, and data efficiency by inversion."""
