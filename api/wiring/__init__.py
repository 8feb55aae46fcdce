"""
The one place where ports meet adapters: a whole Homezone, put together and taken apart.

Whoever needs a part imports that part: a token is printed without loading a database driver.
"""
