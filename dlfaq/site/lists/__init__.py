"""What is known of all pages together: questions, cards, the evidence."""
