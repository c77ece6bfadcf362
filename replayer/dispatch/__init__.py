"""The queue's side of the worker protocol: a pure queue, and the sockets around it."""
