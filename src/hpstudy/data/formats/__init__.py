"""Readers of file formats, whatever the files mean. Every one of them refuses a damaged file by name."""
