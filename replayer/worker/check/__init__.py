"""The conformance run for workers: a scripted queue end, named checks, and their outcomes."""
