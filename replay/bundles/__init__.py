"""
Evidence bundles: a range of the log with its proofs in one file, for whoever has no database.
"""
