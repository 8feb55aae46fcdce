"""
Whom a text mentions.
"""

import pytest

from commands.mentions import numbers_in


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("@10001", [10_001]),
        ("你好@10001，@20002!@10001", [10_001, 20_002]),
        ("@1000", []),
        ("@01000", []),
        ("@99999999999", [99_999_999_999]),
        ("@123456789012", []),
        ("me@10001.example", []),
        ("@@10001", []),
        ("(@10001)\n@20002", [10_001, 20_002]),
    ],
)
def test_a_text_mentions_the_numbers_that_it_names(text: str, numbers: list[int]) -> None:
    assert numbers_in(text) == numbers
