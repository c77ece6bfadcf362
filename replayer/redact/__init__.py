"""Secrets: where they hide, how they are taken out before anything is written, and how leaks are found."""
