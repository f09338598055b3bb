"""The reference of a package: its public names, read from their source and never imported."""
