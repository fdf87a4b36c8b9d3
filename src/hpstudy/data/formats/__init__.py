"""Readers of file formats, whatever the files mean. Each reader refuses a damaged file and names it."""
