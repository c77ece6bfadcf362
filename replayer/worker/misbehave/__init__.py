"""Workers that break one rule each, by name: what `worker check` has to find."""
