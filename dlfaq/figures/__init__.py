"""Figures in the house style, drawn with matplotlib; no HTML."""
