"""What one page shows: head, cells, figures, failures, the versions it ran with."""
