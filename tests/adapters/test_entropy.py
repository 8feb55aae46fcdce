"""
Randomness by the page: no byte is given twice, whoever asks.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.clock import SystemEntropy
from adapters.entropy import PAGE_BYTES, EntropyPool


def test_nothing_is_given_twice() -> None:
    pool = EntropyPool()
    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(lambda _: pool.take(12), range(20_000)))
    assert {len(one) for one in given} == {12}
    assert len(set(given)) == len(given)


def test_a_forked_child_starts_a_page_of_its_own() -> None:
    pool = EntropyPool()
    pool.take(1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, pool.take(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 16) != pool.take(16)
    os.close(read)
    os.close(write)


def test_more_than_a_page_is_not_had_at_once() -> None:
    pool = EntropyPool()
    assert len(pool.take(PAGE_BYTES)) == PAGE_BYTES
    with pytest.raises(ValueError, match="count"):
        pool.take(PAGE_BYTES + 1)


def test_bits_are_as_many_as_were_asked_for() -> None:
    entropy = SystemEntropy()
    for count in (1, 7, 8, 9, 62):
        seen = [entropy.bits(count) for _ in range(400)]
        assert all(0 <= bits < 1 << count for bits in seen)
        assert any(bits >> (count - 1) for bits in seen)
        assert len(set(seen)) > 1
