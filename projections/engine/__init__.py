"""
The one engine that feeds every read model.

Live, in an append's own transaction, and in a replay the same ``rows`` are folded and written by
the same code (apply.py), so what is replayed is what was lived. Beside it run the two kinds of
actors that answer events instead of being computed from them: policies and timers. They never run
in a replay.
"""
