"""The engine: reads pages, runs their chains in fresh processes, keeps the results."""
