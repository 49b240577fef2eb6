"""Figures: pure functions of result tables; each writes a PDF, a PNG and the CSV of exactly what is drawn."""
