"""Turns pages and their results into a site."""
