"""
A contestant that the harness's tests can foretell: it appends as many events as it is told.
"""

import os
import time
from typing import Any

from benchmarks.peers.protocol import Round, serve


class Toy:
    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        print("what a library prints is no answer")
        if config.get("refuse"):
            raise ValueError("not today")
        self.first = "shared" not in config
        return {"shared": "from the first"}

    def prepare(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {}

    def append(
        self, callers: int, batch: int, seconds: float, settings: dict[str, Any]
    ) -> dict[str, Any]:
        if settings.get("die"):
            os._exit(3)
        events = callers * batch * settings.get("each", 1)
        return {"events": events, "seconds": 2.0 if self.first else 4.0, "callers": callers}

    def sleep(self) -> dict[str, Any]:
        time.sleep(600)
        return {}

    def read(self, limit: int, settings: dict[str, Any]) -> Round:
        return Round(limit, 0.5)

    def close(self) -> None:
        pass


if __name__ == "__main__":
    serve(Toy())
