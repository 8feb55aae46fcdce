"""
Sizes as people read them.
"""

import pytest

from api.cli.sizes import in_words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (1_416, "1.4 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (33_000_000, "33.0 MB"),
        (7_250_000_000, "7.2 GB"),
        (12_345 * 10**12, "12,345.0 TB"),
    ],
)
def test_a_size_has_the_unit_that_fits(size: int, words: str) -> None:
    assert in_words(size) == words
