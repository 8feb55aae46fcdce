"""
The command by which a member says that something is wrong.

A report goes to the case of what it is about, in the cell of the member whose that is, so that all
reports of one thing are one case, whoever makes them.
"""

from uuid import UUID

import msgspec

from commands.directory import Directory
from commands.relations import acting_member
from commands.subjects import SubjectChoice, Subjects, version_of
from commands.types import Category, Statement
from commands.work import Outcome, Work
from domain import casework
from domain.case import CASE, Case, NoCase, case_of, case_stream
from domain.case_events import CaseReported
from domain.ids import MemberId, cell_of
from domain.sealed import KeyClass


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong, and with what."""

    subject: SubjectChoice
    category: Category
    note: Statement | None = None


class ReportHandlers:
    """The handler, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._subjects = Subjects(directory)

    async def report(self, command: Report, work: Work) -> Outcome:
        """Report something that one sees."""
        reporter = await acting_member(work)
        subject = await self._subjects.seen(work, reporter, command.subject)
        stream = case_stream(case_of(subject))
        work.cell = cell_of(stream)
        state = await work.load(CASE, stream)
        note = command.note
        reported = CaseReported(
            report=work.mint(work.cell),
            reporter=reporter,
            category=command.category,
            note=None
            if note is None
            else await work.vault.seal(reporter, KeyClass.MODERATION, note),
        )
        promise, version = work.promise("review"), await version_of(work, subject)
        events = casework.report(state, subject, reported, promise, version)
        work.append(CASE, stream, subject.owner, events)
        if events:
            return Outcome(reported.report, (stream, 0), status=201)
        earlier, since = _earlier(state, reporter)
        return Outcome(earlier, (stream, since), status=201)


def _earlier(case: Case, reporter: MemberId) -> tuple[UUID, int]:
    """The report that a member made before."""
    assert not isinstance(case, NoCase)
    return next((one.id, one.since) for one in case.matter.reports if one.reporter == reporter)
