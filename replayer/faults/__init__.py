"""Faults: their grammar, and how each rewrites what is delivered. Pure."""
