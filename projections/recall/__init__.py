"""
Reads answered from memory: what was read before and is known to be so still.

PostgreSQL says how far the log is, the log says what changed since, and what did not change need
not be read again. See docs/adr/0022.
"""
