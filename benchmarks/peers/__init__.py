"""
The event logs that ours is measured beside: a small driver each, in an environment of its own.
"""
