"""What an author wrote: the pages of a site as they are read; nothing is run or shown here."""
