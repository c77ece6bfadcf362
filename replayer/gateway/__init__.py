"""The mock gateway: one request's way from the socket through its source and back."""
