"""
Rule sets tried on history: what a set would have done, beside what was done.

The same matcher and the same decision as live. History is read cell by cell, and a cell's tally
does not grow with its events, so neither does memory with the log.
"""
