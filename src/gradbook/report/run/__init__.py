"""A training: while it runs, its report, and that of several seeds."""
