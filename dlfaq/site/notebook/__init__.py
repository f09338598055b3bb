"""A page or a lab as a notebook with its outputs and as a program, and the head of a lab's page."""
