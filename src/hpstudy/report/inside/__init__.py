"""The report on what diagnostics saw inside the networks."""
