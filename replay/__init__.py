"""
The time machine: read models made again, compared with the live ones, and shown as they once stood.
"""
