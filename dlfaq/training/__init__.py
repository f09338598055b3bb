"""Training of one network and of many replicas; nothing here compares them."""
