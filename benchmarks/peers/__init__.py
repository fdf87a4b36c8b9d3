"""Programs that people would write or install instead of hpstudy, each a script of its own."""
