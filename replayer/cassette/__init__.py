"""The noun of the program: cassettes, their format, and their one reader and writer."""
