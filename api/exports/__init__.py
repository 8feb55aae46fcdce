"""
A copy of all that is a member's: a zip, made while it is fetched.
"""
