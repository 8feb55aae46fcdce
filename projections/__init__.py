"""
What is read: one module a read model, each with its tables, its pure ``rows(event)`` and its
queries; and the one engine that feeds them all, live and in replay.
"""
