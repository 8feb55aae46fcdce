"""
Asking for rules to be tried on history, from a command: its words, one after the other.
"""

import subprocess
from collections.abc import Iterator

from replay.backtest.words import COMMAND, Failed, Job, Word, decode_word, encode


def backtest(job: Job) -> Iterator[Word]:
    """
    The words of the process that does the job; it ends with this iterator, at the latest.
    """
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A Ctrl-C at the terminal is for the command, which then ends it.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(encode(job))
        process.stdin.close()
        word: Word | None = None
        for line in process.stdout:
            word = decode_word(line)
            yield word
        if word is None:
            yield Failed("the process that tries the rules did not start")
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
