"""Numbers and choices: records and a declaration go in, what was found comes out. Knows no output."""
