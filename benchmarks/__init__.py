"""Measurements of hpstudy beside what it is compared with. `make bench` runs them; see docs/benchmarks.md."""
