"""Snippets of the pages are tests: each runs once, through the store that the site uses."""

import os

# Chains fill the cores while other tests run; torch with two threads then waits for itself, and
# the library's tests take nine times as long. It must stand before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["dlfaq.pytest_plugin"]
