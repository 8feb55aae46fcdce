"""
The server from outside: whole writes and reads beside ``/healthz`` of the same server.
"""
