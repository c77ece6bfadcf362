"""The worker's side of the protocol: a small worker for newcomers."""
