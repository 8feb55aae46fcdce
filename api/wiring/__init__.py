"""
The one place where ports meet adapters: a whole Homezone, put together and taken apart.
"""

from api.wiring.models import MODELS, prepare_store
from api.wiring.server import Homezone
from api.wiring.store import Store, describe, open_store, token_issuer, utc_now

__all__ = [
    "MODELS",
    "Homezone",
    "Store",
    "describe",
    "open_store",
    "prepare_store",
    "token_issuer",
    "utc_now",
]
