"""How tables, numbers, claims and files are written, for both halves; standard library only."""
