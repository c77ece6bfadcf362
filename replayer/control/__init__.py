"""What `/__replayer/` answers: the state of a running gateway, for people and programs."""
