"""
Notes, checkpoints and cosignatures: the specifications' own examples, and what is refused.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.notary.key import NotaryFault, NotaryKey, check
from domain.evidence.notes import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    Note,
    Verifier,
    cosign,
    cosigned_at,
    sign,
)

# golang.org/x/mod/sumdb/note: the verifier key, signer key and signed text of its example.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

LOG = NotaryKey("example.com/log", bytes(range(32)))
WITNESS = NotaryKey("witness.example.com/w1", bytes(range(1, 33)))
COSIGNER = Verifier(WITNESS.name, COSIGNATURE, WITNESS.verifier.public)
CHECKPOINT = Checkpoint("example.com/log", 20_852_163, bytes(range(32)))


def _note(*more: object) -> Note:
    text = CHECKPOINT.text
    return Note(text, (sign(text, LOG.verifier, LOG.sign), *more))  # type: ignore[arg-type]


def test_the_published_note() -> None:
    peter = Verifier.parse(PETER)
    assert peter.vkey == PETER
    note = Note.parse(PETER_NOTE.encode())
    assert note.encode() == PETER_NOTE.encode()
    assert note.signed_by(peter, check) is not None
    key = NotaryKey.parse(PETER_SECRET)
    assert key.verifier == peter
    assert sign(note.text, peter, key.sign) == note.signatures[0]
    with pytest.raises(BadNote, match="does not hold"):
        Note.parse(PETER_NOTE.replace("problem,", "problems,").encode()).signed_by(peter, check)


def test_a_checkpoint_as_it_is_written() -> None:
    raw = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.parse(raw)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text == raw
    assert Checkpoint.parse(raw + "an extension\n").root == checkpoint.root


def test_a_cosignature_is_dated_and_of_the_text() -> None:
    line = cosign(CHECKPOINT.text, COSIGNER, WITNESS.sign, 1_679_315_147)
    note = Note.parse(_note(line).encode())
    found = note.signed_by(COSIGNER, check)
    assert found is not None
    assert cosigned_at(found) == 1_679_315_147
    assert len(found.signature) == 72
    signed = f"cosignature/v1\ntime 1679315147\n{CHECKPOINT.text}".encode()
    assert check(COSIGNER.public, signed, found.signature[8:])
    # The same key as a log's is another verifier: neither stands for the other.
    assert note.signed_by(WITNESS.verifier, check) is None
    assert COSIGNER.key_id != WITNESS.verifier.key_id


def test_whoever_is_unknown_is_passed_over() -> None:
    note = Note.parse(_note().encode())
    assert note.signed_by(COSIGNER, check) is None
    same_name = Verifier(LOG.name, 1, WITNESS.verifier.public)
    assert note.signed_by(same_name, check) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_an_altered_note_is_never_believed(at: int, flip: int) -> None:
    whole = _note(cosign(CHECKPOINT.text, COSIGNER, WITNESS.sign, 1_679_315_147))
    raw = bytearray(whole.encode())
    raw[at % len(raw)] ^= flip
    try:
        note = Note.parse(bytes(raw))
        found = [note.signed_by(one, check) for one in (LOG.verifier, COSIGNER)]
    except BadNote:
        return
    if None not in found:
        assert note == whole
    assert note.text == CHECKPOINT.text or found == [None, None]


@pytest.mark.parametrize(
    "raw",
    ["", "\n", "a\n", "a\n\n", "a\n\n— b\n", "a\n\nb c\n", "a\n\n— b+c AAAAAAAA\n",
     "a\n\n— b AAAA\n", "a\r\n\n— b AAAAAAAA\n", "a\n\n— b AAAAAAAA", "a\n\n— b AAAAAAA\n",
     "a\n\n— b\u3000c AAAAAAAA\n",
     "a\n\n" + "— b AAAAAAAA\n" * 65],
)  # fmt: skip
def test_what_is_no_note(raw: str) -> None:
    with pytest.raises(BadNote):
        Note.parse(raw.encode())


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\n01\nAA==\n", "a\n-1\n" + "A" * 43 + "=\n", "a\n1\nAA==\n",
     "a\n\u0661\n" + "A" * 43 + "=\n", "\n1\n" + "A" * 43 + "=\n", "a\n" + "9" * 5_000 + "\nAA==\n",
     "a\n1\n" + "A" * 43 + "=\n\nb\n"],
)  # fmt: skip
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "vkey",
    ["", "a", "a+b+c", PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("ARpc", "Ahpc"),
     PETER[:-4], "a b" + PETER, PETER.replace("PeterNeumann", "")],
)  # fmt: skip
def test_what_is_no_verifier_key(vkey: str) -> None:
    with pytest.raises(BadNote):
        Verifier.parse(vkey)


@pytest.mark.parametrize("text", ["", PETER, PETER_SECRET.replace("c74f20a3", "00000000")])
def test_what_is_no_key_of_a_notary(text: str) -> None:
    with pytest.raises(NotaryFault):
        NotaryKey.parse(text)
