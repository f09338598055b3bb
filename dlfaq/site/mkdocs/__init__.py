"""The MkDocs plugin, the only room that imports mkdocs."""
