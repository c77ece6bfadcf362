"""replayer: record real exchanges into cassettes, verify them against contracts, replay them with live workers."""

__version__ = "0.1.0"
