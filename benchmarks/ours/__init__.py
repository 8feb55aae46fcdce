"""
Our own contestants: the log, its callers and the engine, each measured through what others may use.
"""
