"""The data sets, and where their numbers come from; nothing here trains."""
