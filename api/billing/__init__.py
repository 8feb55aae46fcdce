"""
The books, for those who keep them: at any moment, by month, closed, and as files for others to
read.
"""
