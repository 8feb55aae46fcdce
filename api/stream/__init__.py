"""
Streams: what came into a member's sight, changed in it or left it, as it happens.

One hub a process follows the log for all who listen; a client that comes back is first told what
it missed, by the same rules, and then joins the hub where that ended.
"""

from api.stream.cursor import StreamCursor
from api.stream.hub import Hub
from api.stream.items import StreamItem

__all__ = ["Hub", "StreamCursor", "StreamItem"]
