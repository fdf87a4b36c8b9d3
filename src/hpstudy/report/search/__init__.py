"""The report on a search."""
