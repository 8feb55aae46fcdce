"""
Every decision that restricts somebody is a statement that the EU's database would take.
"""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files as resources
from itertools import product
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from api.moderation import categories, files
from api.moderation.transparency import COLUMNS, statement_of
from domain.ids import MemberId, mint
from projections.reading.decisions import DecisionView

SCHEMA = json.loads(
    resources("api.moderation").joinpath("dsa-statement-v2.schema.json").read_text("utf-8")
)
VALID = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
AT = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
SECRET = b"unmistakable"

USUAL: dict[str, Any] = {
    "cell": 1,
    "position": 7,
    "decision": UUID("01234567-89ab-8001-8123-456789abcdef"),
    "case": mint(2, 1, 2),
    "owner": MemberId(mint(3, 1, 3)),
    "kind": "post",
    "subject": mint(int((AT - timedelta(days=2)).timestamp() * 1000), 1, 4),
    "verdict": "unpublish",
    "ground": "terms",
    "clause": "Terms, 4.2",
    "category": "spam",
    "explanation": SECRET,
    "facts": SECRET,
    "cause": "flagged",
    "automated_detection": True,
    "told": "full",
    "decided_at": AT,
    "strike_weight": None,
    "strike_until": None,
    "measure": None,
    "measure_until": None,
    "ladder": None,
    "ladder_until": None,
    "against": None,
    "outcome": None,
    "appeal": None,
    "appealed_at": None,
    "answered_at": None,
}


def view(**changed: Any) -> DecisionView:
    return DecisionView(**(USUAL | changed))


def line(**changed: Any) -> dict[str, Any]:
    statement = statement_of(view(**changed))
    assert statement is not None
    document: dict[str, Any] = json.loads(files.lines([statement]))
    VALID.validate(document)
    return document


@pytest.mark.parametrize("verdict", ["unpublish", "reject"])
@pytest.mark.parametrize("ground", ["terms", "illegal"])
def test_every_kind_of_restriction_is_valid(verdict: str, ground: str) -> None:
    kinds = ("post", "comment", "nickname", "member")
    causes = ("held", "private_view", "flagged", "edit_held", "report", "by_hand", "appeal")
    sanctions = (None, "restriction", "suspension", "ban")
    whens = (None, AT + timedelta(days=7))
    for kind, cause, measure, ladder, until in product(kinds, causes, sanctions, sanctions, whens):
        made = line(
            verdict=verdict, ground=ground, kind=kind, cause=cause, measure=measure,
            measure_until=until, ladder=ladder, ladder_until=until,
        )  # fmt: skip
        assert made["puid"] == str(USUAL["decision"])


@pytest.mark.parametrize("verdict", ["approve", "restore", "no_action"])
def test_what_restricts_nobody_needs_no_statement(verdict: str) -> None:
    assert statement_of(view(verdict=verdict)) is None
    assert statement_of(view(verdict=verdict, strike_weight=2)) is None
    assert line(verdict=verdict, measure="ban")["decision_account"] == "DECISION_ACCOUNT_TERMINATED"


def test_grounds_are_told_apart() -> None:
    terms, illegal = line(ground="terms"), line(ground="illegal", clause="StGB § 130")
    assert terms["decision_ground"] == "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    assert terms["incompatible_content_ground"] == "Terms, 4.2"
    assert terms["incompatible_content_illegal"] == "No"
    assert illegal["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert illegal["illegal_content_legal_ground"] == "StGB § 130"
    assert illegal["illegal_content_explanation"]


def test_days_are_those_of_utc_and_in_order() -> None:
    made = line()
    assert (made["content_date"], made["application_date"]) == ("2026-03-03", "2026-03-05")
    # Clocks of servers differ: nothing was decided before it was written.
    ahead = mint(int((AT + timedelta(days=1)).timestamp() * 1000), 1, 4)
    assert line(subject=ahead)["content_date"] == "2026-03-05"


def test_a_penalty_ends_when_it_ends() -> None:
    week = AT + timedelta(days=7)
    suspended = line(measure="suspension", measure_until=week)
    assert suspended["decision_account"] == "DECISION_ACCOUNT_SUSPENDED"
    assert suspended["end_date_account_restriction"] == "2026-03-12"
    restricted = line(ladder="restriction", ladder_until=week)
    assert restricted["decision_provision"] == "DECISION_PROVISION_PARTIAL_SUSPENSION"
    assert restricted["end_date_service_restriction"] == "2026-03-12"
    assert "end_date_account_restriction" not in line(measure="ban")


def test_what_an_appeal_undid_has_ended() -> None:
    made = line(
        measure="suspension", measure_until=AT + timedelta(days=30),
        appeal="overturned", answered_at=AT + timedelta(days=3),
    )  # fmt: skip
    assert made["end_date_visibility_restriction"] == "2026-03-08"
    assert made["end_date_account_restriction"] == "2026-03-08"
    assert "end_date_visibility_restriction" not in line(appeal="upheld", answered_at=AT)


def test_of_two_sanctions_the_graver_is_stated() -> None:
    made = line(measure="ban", ladder="suspension", ladder_until=AT)
    assert made["decision_account"] == "DECISION_ACCOUNT_TERMINATED"


@pytest.mark.parametrize(
    ("cause", "ground", "source", "automatic"),
    [
        ("flagged", "terms", "SOURCE_VOLUNTARY", "Yes"),
        ("held", "illegal", "SOURCE_VOLUNTARY", "Yes"),
        ("by_hand", "terms", "SOURCE_VOLUNTARY", "No"),
        ("report", "illegal", "SOURCE_ARTICLE_16", "No"),
        ("report", "terms", "SOURCE_TYPE_OTHER_NOTIFICATION", "No"),
    ],
)
def test_how_it_was_found(cause: str, ground: str, source: str, automatic: str) -> None:
    made = line(cause=cause, ground=ground, automated_detection=automatic == "Yes")
    assert (made["source_type"], made["automated_detection"]) == (source, automatic)
    assert made["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("fraud", "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"),
        ("Self-Harm", "STATEMENT_CATEGORY_SELF_HARM"),
        ("child safety", "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"),
        ("STATEMENT_CATEGORY_VIOLENCE", "STATEMENT_CATEGORY_VIOLENCE"),
        ("statement_category_animal_welfare", "STATEMENT_CATEGORY_ANIMAL_WELFARE"),
    ],
)
def test_known_categories_are_translated(ours: str, theirs: str) -> None:
    made = line(category=ours)
    assert made["category"] == theirs
    assert "category_specification" not in made


@pytest.mark.parametrize("ours", ["广告刷屏", "STATEMENT_CATEGORY_MADE_UP"])
def test_any_other_category_says_its_name(ours: str) -> None:
    made = line(category=ours)
    assert made["category"] == categories.OTHER
    assert made["category_specification"] == ["KEYWORD_OTHER"]
    assert made["category_specification_other"] == ours


def test_our_list_is_the_schemas() -> None:
    known = set(SCHEMA["properties"]["category"]["enum"])
    assert known == categories.CATEGORIES
    assert set(categories.KNOWN.values()) <= known
    assert set(COLUMNS) <= set(SCHEMA["properties"])


def test_nothing_sealed_is_in_a_line() -> None:
    made = json.dumps(line(), ensure_ascii=False)
    assert SECRET.decode() not in made
    for name in ("case", "owner", "subject"):
        assert str(USUAL[name]) not in made


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r", " =", "|"])
def test_no_cell_of_the_table_runs_as_a_formula(start: str) -> None:
    statement = statement_of(view(clause=f'{start}HYPERLINK("http://x","y"),2', category='a"b,\nc'))
    assert statement is not None
    table = files.head() + files.rows([statement])
    (row,) = csv.DictReader(io.StringIO(table.decode(), newline=""))
    assert row["incompatible_content_ground"] == f'\'{start}HYPERLINK("http://x","y"),2'
    assert row["category_specification_other"] == 'a"b,\nc'
    assert row["content_type"] == "CONTENT_TYPE_TEXT"
    assert row["territorial_scope"].split(";")[0] == "AT"


def test_the_table_has_the_columns_of_the_lines() -> None:
    statement = statement_of(view())
    assert statement is not None
    (row,) = csv.DictReader(io.StringIO((files.head() + files.rows([statement])).decode()))
    document = json.loads(files.lines([statement]))
    assert set(row) == set(COLUMNS)
    assert {name for name, value in row.items() if value} == set(document)
