"""
What the formats share.
"""


class NotAPicture(Exception):
    """These bytes are no whole picture of a format that is taken."""


class Bytes:
    """Bytes read from the front; reading past the end means that the file is not whole."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def left(self) -> int:
        """How many are still to be read."""
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """
        The next so many.

        :raises NotAPicture: there are fewer.
        """
        if count > self.left:
            raise NotAPicture
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        """The next one, as a number."""
        return self.take(1)[0]


def exif_of(orientation: int) -> bytes:
    """A TIFF block that says which way up the pixels are, and nothing else."""
    return (
        b"MM\x00\x2a\x00\x00\x00\x08"
        b"\x00\x01"
        b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\x00\x00"
        b"\x00\x00\x00\x00"
    )
