"""The site for programs: each page as Markdown with its values filled in, llms.txt, the feed."""
