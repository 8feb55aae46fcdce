"""
What the notary stands on: its key in a file, its tables, and events as the bytes they are.
"""
