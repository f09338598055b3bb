"""Snippets of the pages are tests: each runs once, through the store that the site uses."""

pytest_plugins = ["dlfaq.testing"]
