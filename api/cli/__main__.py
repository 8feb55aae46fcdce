"""
``python -m api.cli``, for where the ``homezone`` command is not on the path.
"""

from api.cli.app import main

main()
