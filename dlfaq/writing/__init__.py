"""How tables, numbers and files are written, for both halves; standard library only."""
