"""Statements held against what was measured; nothing here trains or draws."""
