"""
What Prometheus gets: well formed, named by its conventions, true, and about nobody.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from api.http.problems import OWN
from api.metrics import Figure, Metrics, Requests
from api.problems import PROBLEMS
from api.wiring.lateness import Lateness
from api.wiring.models import MODELS
from tests.support.homezone import RunningHomezone
from tests.support.waiting import eventually

_UNITS_ABBREVIATED = {"s", "ms", "us", "ns", "sec", "secs", "b", "kb", "mb", "gb", "m", "h", "d"}
_UNITS_NOT_BASE = {
    "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes",
    "megabytes", "kibibytes", "mebibytes", "bits", "percent",
}  # fmt: skip
_TYPES = {"counter", "gauge", "histogram", "summary"}


def lint(families: Iterable[Metric]) -> list[str]:
    """The rules of ``promtool check metrics``."""
    problems, seen = [], set()
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        words = name.split("_")
        histogram = family.type in ("histogram", "summary")
        rules = {
            "is there twice": name in seen,
            "has no help": not family.documentation,
            "has no type": family.type in ("unknown", "untyped"),
            "is a counter without _total": family.type == "counter"
            and not all(one.name.endswith(("_total", "_created")) for one in family.samples),
            "has _total and is no counter": family.type != "counter" and "total" in words,
            "has the suffix of a histogram": not histogram
            and name.endswith(("_bucket", "_count", "_sum")),
            "has its type in its name": not _TYPES.isdisjoint(words),
            "is not snake_case": re.fullmatch(r"[a-z][a-z0-9_]*", name) is None,
            "has an abbreviated unit": words[-2 if name.endswith("_total") else -1]
            in _UNITS_ABBREVIATED,
            "has no base unit": not _UNITS_NOT_BASE.isdisjoint(words),
            "has a label of a histogram": not histogram
            and any({"le", "quantile"} & set(one.labels) for one in family.samples),
            "has a label that is not snake_case": any(
                re.fullmatch(r"[a-z][a-z0-9_]*", label) is None
                for one in family.samples
                for label in one.labels
            ),
        }
        problems += [f"{name} {what}" for what, broken in rules.items() if broken]
        seen.add(name)
    return problems


def read(homezone: RunningHomezone) -> dict[str, Metric]:
    text = homezone.with_token(None).get("/metrics").ok(200).body.decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], name: str, /, **labels: str) -> float:
    """One sample; what has not been there yet is 0."""
    found = [
        one.value
        for family in families.values()
        for one in family.samples
        if one.name == name and one.labels == labels
    ]
    assert len(found) <= 1
    return found[0] if found else 0.0


def test_the_exposition_keeps_prometheus_conventions(homezone: RunningHomezone) -> None:
    member = homezone.member()
    member.publish()
    text = homezone.with_token(None).get("/metrics").ok(200).body.decode()
    families = list(text_string_to_metric_families(text))
    assert lint(families) == []
    assert len(families) > 60
    for family in families:
        if family.type == "histogram":
            check_histogram(family)


def check_histogram(family: Metric) -> None:
    """Buckets only grow, end at infinity, and hold what is counted."""
    by_labels: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    counts = {}
    for one in family.samples:
        key = tuple(sorted((k, v) for k, v in one.labels.items() if k != "le"))
        if one.name.endswith("_bucket"):
            by_labels.setdefault(key, []).append((float(one.labels["le"]), one.value))
        elif one.name.endswith("_count"):
            counts[key] = one.value
    assert by_labels, family.name
    for key, buckets in by_labels.items():
        bounds, values = zip(*buckets, strict=True)
        assert list(bounds) == sorted(bounds)
        assert list(values) == sorted(values)
        assert bounds[-1] == float("inf")
        assert values[-1] == counts[key]


def test_a_broken_rule_is_found() -> None:
    figures = [
        Figure("homezone_requests", "", 1),
        Figure("homezone_seconds_total_gauge", "x", 1),
        Figure("homezone_wait_ms", "x", 1),
        Figure("homezone_wait_milliseconds", "x", 1),
        Figure("homezone_requestCount", "x", {"a": 1}, ("theLabel",)),
    ]
    found = lint(figure.metric() for figure in figures)
    for expected in ("no help", "no counter", "abbreviated", "base unit", "snake_case", "label"):
        assert any(expected in one for one in found), expected


def settled(homezone: RunningHomezone) -> dict[str, Metric]:
    """The figures between two batches: the writer counts a batch's time after it has answered."""
    deadline = time.monotonic() + 10
    while True:
        families = read(homezone)
        if value(families, "homezone_log_batch_duration_seconds_count") == value(
            families, "homezone_log_batch_commands_count"
        ):
            return families
        assert time.monotonic() < deadline, "a batch takes longer than 10 s"
        time.sleep(0.01)


def test_the_figures_are_true(homezone: RunningHomezone) -> None:
    author, other = homezone.members(2)
    before = settled(homezone)
    written = author.publish()
    post = written.json["id"]
    for _ in range(3):
        other.put(f"/v1/posts/{post}/like", key="once").ok()
    other.get("/v1/posts/not-an-id").refused(404)
    other.get("/v1/nowhere").refused(404)
    author.post("/v1/posts", raw=b"{").refused(400)
    other.get(f"/v1/posts/{post}", at_least=written.position).ok()
    after = settled(homezone)

    def grown(name: str, /, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("homezone_http_requests_total", operation="publish_post", status="201") == 1
    assert grown("homezone_http_requests_total", operation="publish_post", status="400") == 1
    assert grown("homezone_http_requests_total", operation="read_post", status="200") == 1
    assert grown("homezone_http_request_duration_seconds_count", operation="publish_post") == 2
    assert grown("homezone_http_problems_total", operation="publish_post", problem="malformed") == 1
    assert grown("homezone_http_problems_total", operation="none", problem="not-found") == 1
    assert grown("homezone_log_commands_total", outcome="replayed") == 2
    assert grown("homezone_log_commands_total", outcome="written") >= 2
    assert grown("homezone_log_events_total") >= 2
    batches = grown("homezone_log_batch_commands_count")
    assert 1 <= batches <= grown("homezone_log_batch_commands_sum")
    for name in ("batch_duration", "commit_duration"):
        assert grown(f"homezone_log_{name}_seconds_count") == batches
    assert grown("homezone_log_queue_duration_seconds_count") == grown(
        "homezone_log_batch_commands_sum"
    )
    assert value(after, "homezone_http_requests_in_flight") == 0, "a scrape is no request"
    assert value(after, "homezone_log_queue_appends_max") == 20_000
    assert value(after, "homezone_job_leading", name="models") == 1
    assert value(after, "process_resident_memory_bytes") > 1 << 20
    assert value(after, "homezone_feeder_process_resident_memory_bytes") > 1 << 20
    (build,) = after["homezone_build_info"].samples
    assert set(build.labels) == {"version", "python"}


def test_every_model_and_policy_tells_how_far_it_is(homezone: RunningHomezone) -> None:
    families = read(homezone)
    fed = {model.name for model in MODELS if not model.inline}
    for figure in ("lag_events", "lag_seconds", "failed"):
        samples = families[f"homezone_projection_{figure}"].samples
        assert {one.labels["name"] for one in samples} == fed
        policies = families[f"homezone_policy_{figure}"].samples
        assert {"carry-friendship", "open-account"} <= {one.labels["name"] for one in policies}


def test_labels_have_few_values_all_of_them_from_the_code(homezone: RunningHomezone) -> None:
    one = homezone.member(nickname="unmistakable-nickname")
    post = one.publish("unmistakable-text").json["id"]
    for number in range(50):
        one.get(f"/v1/unmistakable-{number}").refused(404)
        one.request(f"UNMISTAKABLE{number}", "/v1/feed")
        one.get(f"/v1/posts/unmistakable-{number}").refused(404)
    paths = homezone.with_token(None).get("/openapi.json").json["paths"]
    operations = {one["operationId"] for path in paths.values() for one in path.values()}
    problems = {problem.name for problem in (*OWN, *PROBLEMS)}
    families = read(homezone)
    for sample in families["homezone_http_requests"].samples:
        assert sample.labels["operation"] in operations
        assert re.fullmatch("[1-5][0-9]{2}", sample.labels["status"])
    for sample in families["homezone_http_problems"].samples:
        assert sample.labels["operation"] in operations | {"none"}
        assert sample.labels["problem"] in problems
    names = {sample.name for family in families.values() for sample in family.samples}
    series = sum(len(family.samples) for family in families.values())
    assert len(names) < 200
    assert series < 3_000
    words = " ".join(
        word
        for family in families.values()
        for sample in family.samples
        for word in (sample.name, family.documentation, *sample.labels, *sample.labels.values())
    )
    for secret in (str(one.qq), "unmistakable", "UNMISTAKABLE", post, str(one.token)):
        assert secret not in words, "a figure may contain any digits, a word may not"


def test_counting_a_request_takes_no_lock_and_forgets_nothing() -> None:
    requests = Requests()
    route = cast(Any, SimpleNamespace(name="publish"))
    observe = requests.observing(route)
    for seconds in (0.0004, 0.001, 0.3, 99.0):
        observe(201, seconds)
    observe(503, 0.0)
    metrics = Metrics("1.2.3")
    metrics.watch(requests.figures)
    families = {figure.name: figure for figure in requests.figures()}
    assert families["homezone_http_requests_total"].samples == {
        ("publish", "201"): 4,
        ("publish", "503"): 1,
    }
    (distribution,) = cast(Any, families["homezone_http_request_duration_seconds"].samples).values()
    assert distribution.buckets[0] == (0.001, 3)
    assert distribution.buckets[-1] == (float("inf"), 5)
    assert distribution.sum == pytest.approx(99.3014)


def test_a_scrape_while_requests_are_counted(homezone: RunningHomezone) -> None:
    async def scrape() -> list[bytes]:
        metrics = homezone.homezone.metrics
        return await asyncio.gather(*(metrics.text() for _ in range(5)))

    texts = asyncio.run_coroutine_threadsafe(scrape(), homezone.loop).result(30)
    assert all(text.startswith(b"# HELP") for text in texts)


# How late somebody is


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lateness_is_since_the_first_event_not_seen() -> None:
    time = Time()
    late = Lateness(time)
    assert late.seconds({}) == 0
    for position in range(1, 11):
        late.note({0: position, 1: 7})
        time.now += 1
    assert late.seconds({0: 10, 1: 7}) == 0
    assert late.seconds({0: 9, 1: 7}) == 1
    assert late.seconds({0: 4, 1: 7}) == 6
    assert late.seconds({0: 10, 1: 6}) == 10
    assert late.seconds({}) == 10
    late.note({0: 3})
    assert late.seconds({0: 10, 1: 7}) == 0, "what is heard late moves nothing back"


@given(st.lists(st.floats(0.01, 30.0), min_size=1, max_size=3_000), st.data())
def test_lateness_takes_bounded_memory_and_never_says_too_little(
    pauses: list[float], data: st.DataObject
) -> None:
    time = Time()
    late = Lateness(time)
    heard = []
    for position, pause in enumerate(pauses, 1):
        late.note({0: position})
        heard.append(time.now)
        time.now += pause
    assert len(late._moments) <= 513
    seen = data.draw(st.integers(0, len(pauses)))
    said = late.seconds({0: seen})
    if seen == len(pauses):
        assert said == 0
    else:
        truth = time.now - heard[seen]
        assert truth - 1e-6 <= said <= time.now
        assert said > 0


def test_the_handbook_names_every_metric(homezone: RunningHomezone) -> None:
    page = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
    table = page[page.index("## Metrics") : page.index("## Alerts")]
    documented = set(re.findall(r"`(homezone_[a-z_]+)`", table))
    # How far the notary is, is told once that has been looked at.
    eventually(lambda: "homezone_notary_leaves" in read(homezone))
    exposed = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in read(homezone).values()
        if family.name.startswith("homezone_")
        and not family.name.startswith("homezone_feeder_process_")
    }
    # This server has no limits.
    assert documented - {"homezone_http_limited_total"} == exposed
    alerts = page[page.index("## Alerts") : page.index("## Logs")]
    asked = set(re.findall(r"\bhomezone_[a-z_]+", alerts))
    assert {name.removesuffix("_bucket") for name in asked} <= exposed
    assert asked
