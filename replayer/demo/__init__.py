"""`replayer demo`: the whole way once, on real sockets, with nothing outside this machine."""
