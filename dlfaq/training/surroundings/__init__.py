"""What code can reach outside of a model, so that replicas which share it are found out."""
