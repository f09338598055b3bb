"""A lab as a notebook with its outputs, and the head of its page."""
