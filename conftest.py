"""Snippets of the pages are tests: each runs once, through the store that the site is built from."""

pytest_plugins = ["dlfaq.testing"]
