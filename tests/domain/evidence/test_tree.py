"""
Hashes and proofs: the vectors that certificate transparency publishes, and what must hold always.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence.tree import (
    EMPTY_ROOT,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# transparency-dev/merkle, proof/verify_test.go.
LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
HASHES = [leaf_hash(one) for one in LEAVES]
SIZES = st.integers(1, 70)


def _hashes(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def _proof(hashes: list[bytes], ranges: list[tuple[int, int]]) -> list[bytes]:
    return [root_of(hashes[first:end]) for first, end in ranges]


def test_the_published_roots() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root_of(HASHES[:size]).hex() for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs(index: int, size: int) -> None:
    proof = _proof(HASHES, inclusion_ranges(index, size))
    assert [one.hex() for one in proof] == INCLUSION[index, size]
    root = bytes.fromhex(ROOTS[size - 1])
    assert verify_inclusion(index, size, HASHES[index], proof, root)


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_the_published_consistency_proofs(old: int, size: int) -> None:
    proof = _proof(HASHES, consistency_ranges(old, size))
    assert [one.hex() for one in proof] == CONSISTENCY[old, size]
    before, now = (bytes.fromhex(ROOTS[each - 1]) for each in (old, size))
    assert verify_consistency(old, size, before, now, proof)


def test_from_nothing_nothing_is_proved() -> None:
    root = root_of(HASHES)
    assert not verify_consistency(0, 8, EMPTY_ROOT, root, [])
    assert not verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    for old, size in ((0, 8), (9, 8), (-1, 8)):
        with pytest.raises(ValueError, match="no tree"):
            consistency_ranges(old, size)
    for index in (8, -1):
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_ranges(index, 8)
    assert not verify_consistency(9, 8, root, root, [])
    assert not verify_inclusion(8, 8, HASHES[0], [], root)


def _spoiled(proof: list[bytes], data: st.DataObject, other: bytes) -> list[bytes]:
    """A proof with one thing wrong with it."""
    ways = ["longer", "before"] + (["shorter", "flipped"] if proof else [])
    match data.draw(st.sampled_from(ways)):
        case "longer":
            return [*proof, other]
        case "before":
            return [other, *proof]
        case "shorter":
            return proof[:-1]
        case _:
            at = data.draw(st.integers(0, len(proof) - 1))
            bit = data.draw(st.integers(0, 255))
            flipped = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
            return [*proof[:at], flipped, *proof[at + 1 :]]


@given(st.data(), SIZES)
def test_every_leaf_is_proved_and_nothing_else(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = _hashes(size)
    root, leaf = root_of(hashes), hashes[index]
    proof = _proof(hashes, inclusion_ranges(index, size))
    assert verify_inclusion(index, size, leaf, proof, root)
    assert not verify_inclusion(index, size, leaf, proof, leaf_hash(b"x"))
    assert not verify_inclusion(index, size, leaf_hash(b"x"), proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index)) if size > 1 else 1
    assert not verify_inclusion(other, size, leaf, proof, root)
    assert not verify_inclusion(index, size, leaf, _spoiled(proof, data, root), root)


@given(st.data(), SIZES)
def test_every_growth_is_proved_and_nothing_else(data: st.DataObject, size: int) -> None:
    old = data.draw(st.integers(1, size))
    hashes = _hashes(size)
    before, now = root_of(hashes[:old]), root_of(hashes)
    proof = _proof(hashes, consistency_ranges(old, size))
    assert verify_consistency(old, size, before, now, proof)
    wrong = leaf_hash(b"x")
    assert not verify_consistency(old, size, wrong, now, proof)
    assert not verify_consistency(old, size, before, wrong, proof)
    assert not verify_consistency(old, size, before, now, _spoiled(proof, data, wrong))
