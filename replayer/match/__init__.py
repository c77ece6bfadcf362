"""Which recorded interaction answers a request, and why none does. Pure."""
