"""The command dlfaq, a command a file."""
