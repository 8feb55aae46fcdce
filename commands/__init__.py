"""
What may be asked: one handler a command, each load -> decide -> append.

Handlers know the domain and the ports; never SQL, HTTP or a concrete adapter.
"""
