"""Arms that are tuned and compared on the same replicas; nothing is claimed here."""
