"""
The payment rails of a server, from its settings.
"""

import re
from collections.abc import Mapping

from adapters.rails import DemoRail, HttpRail
from api.settings import Settings
from commands.rails import PaymentRail

DEMO = "demo"
_NAME = re.compile(r"[a-z0-9-]{1,40}")


def rails_of(settings: Settings) -> tuple[dict[str, PaymentRail], Mapping[str, HttpRail]]:
    """All rails by name, and those of them that are to be closed."""
    over_http = {name: HttpRail(url) for name, url in settings.rails.items()}
    every: dict[str, PaymentRail] = dict(over_http)
    if settings.demo_rail:
        every[DEMO] = DemoRail()
    return every, over_http


def parse_rails(text: str) -> dict[str, str]:
    """
    Where rails are asked, by name, from ``NAME=URL,…``.

    :raises ValueError: a name is none or taken, or a URL could not be believed.
    """
    rails: dict[str, str] = {}
    for one in filter(None, text.split(",")):
        name, _, url = one.partition("=")
        if not _NAME.fullmatch(name) or name == DEMO or name in rails:
            raise ValueError(name)
        HttpRail(url)
        rails[name] = url
    return rails
