"""
What is true: events, states, decisions.

Pure functions over frozen msgspec Structs, in the decider pattern (Jérémie Chassaing's
"Functional Event Sourcing Decider"). Nothing here knows a clock, randomness or I/O: time, ids and
sealed texts come in as arguments, so that what is replayed is what was lived.
"""
