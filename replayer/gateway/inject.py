"""THROWAWAY"""
def injection(exchange, *, seed): return None
class Injection: pass
