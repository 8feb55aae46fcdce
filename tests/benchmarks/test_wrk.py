"""
What wrk prints, read.
"""

import pytest

from benchmarks.http.wrk import Load, parse

SAID = """Running 3s test @ http://127.0.0.1:8080/healthz
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.10ms    1.02ms  21.30ms   92.55%
    Req/Sec    15.71k     1.20k   17.02k    80.00%
  Latency Distribution
     50%    3.95ms
     75%    4.31ms
     90%  980.00us
     99%    1.25s
  46890 requests in 3.00s, 7.47MB read
Requests/sec:  15618.42
Transfer/sec:      2.49MB
"""


def test_rate_and_latencies_in_seconds() -> None:
    assert parse(SAID) == Load(46_890, 15_618.42, 0.003_95, 1.25)


@pytest.mark.parametrize(
    "trouble",
    [
        "  Non-2xx or 3xx responses: 12",
        "  Socket errors: connect 0, read 3, write 0, timeout 0",
    ],
)
def test_a_round_with_failures_is_no_figure(trouble: str) -> None:
    with pytest.raises(RuntimeError, match=trouble.strip()):
        parse(SAID.replace("Requests/sec", f"{trouble}\nRequests/sec"))


def test_something_else_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        parse("unable to connect")
