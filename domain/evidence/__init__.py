"""
What makes the log tamper-evident: digest records, one tree over them, and signed notes about it.

Pure functions over bytes. A verifier needs nothing but this package and Ed25519, which comes in as
an argument.
"""
