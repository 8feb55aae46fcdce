"""
Reads as of a moment: the very statements of the present, over rows that are folded for one answer
from the few events that could have made them.
"""
