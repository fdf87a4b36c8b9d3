"""A report becomes a file: HTML, Markdown, JSON, pictures."""
