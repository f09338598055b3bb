"""The command dlfaq, one file for each of its commands."""
