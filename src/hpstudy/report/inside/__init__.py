"""The report on what diagnostics show inside the networks."""
