"""Runs the chains of pages in fresh processes and keeps the results; nothing is shown here."""
