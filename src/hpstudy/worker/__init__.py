"""The processes that train: a supervisor and its trainer processes."""
