"""
Uploads, and what becomes of them: sealed, resumed, cleaned, resized and stored.

Nothing is imported here: the process that decodes pictures loads its own part and no other.
"""
