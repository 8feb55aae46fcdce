"""
What moderation tells the world outside: statements of reasons, in the words of the European Union.
"""
