"""
The library's suite, imported with the cipher we have.

It imports ``eventsourcing.cipher``, which needs pycryptodome; the library ships the same class on
the ``cryptography`` package, which is here anyway.
"""

import sys

from eventsourcing import cryptography

sys.modules.setdefault("eventsourcing.cipher", cryptography)

from eventsourcing.tests import persistence as suite  # noqa: E402

__all__ = ["suite"]
