"""A case history as a PDF for people: lanes of responsibility, who until when, what happened in words, the proof."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import IO, Final
from urllib.parse import quote

from reportlab.pdfgen.canvas import Canvas

from services.casefile.exports import fonts, lanes, sheets
from services.casefile.exports.contents import Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.sheets import BODY, BOTTOM, GREY, LEFT, PALE, RIGHT, SMALL, TOP, Cell, Sheets, Style
from services.casefile.exports.tables import Table
from services.casefile.exports.words import in_words, moment, named, whom
from services.casefile.timeline import Item
from services.chassis.modelling.days import in_utc
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note

_TITLE: Final = Style(fonts.BOLD, 20.0, lead=28.0)
_CODE: Final = Style(fonts.MONO, 7.5, lead=10.5)
_LEAST_CODE: Final = 5.0
"""How small a checkpoint is printed at the least, so that its lines are not divided."""
_GOES_ON: Final = "goes on"


def write(contents: Contents, _: Table, file: IO[bytes], pulse: Pulse) -> None:
    """One case."""
    fonts.register()
    paper = Sheets(pulse)
    _first(paper, contents)
    _responsible(paper, contents)
    _states(paper, contents)
    _timeline(paper, contents)
    _deadlines(paper, contents)
    _proof(paper, contents)
    _print(paper, contents, file, pulse)


def _first(paper: Sheets, contents: Contents) -> None:
    after, basis = contents.after, contents.basis
    paper.paragraph("Case history", _TITLE)
    shown = f"what {contents.seen_by} sees of it" if contents.seen_by is not None else "all that is recorded"
    known = f"; as it was known on {moment(basis.known_at)}" if basis.known_at is not None else ""
    paper.pairs(
        [
            ("Case", contents.case),
            ("As of", f"{moment(basis.at)}{known}"),
            ("State", in_words(after.state) if after.state is not None else "not shown"),
            ("Agency", after.agency or "not shown"),
            ("Organisation", after.organisation or "none"),
            ("Programme", after.programme or "not shown"),
            ("Shown", shown),
            ("Events", f"{len(contents.records):,}"),
            ("Checkpoint", _checkpoint(contents)),
        ]
    )
    paper.down(6)
    paper.paragraph(
        "All times are UTC. People are named by the identifiers that their organisations gave them; names, contact "
        "data and free texts are kept apart from the record and are not in this document.",
        SMALL,
    )
    paper.heading("Lanes of responsibility")
    if not contents.spells.charges:
        paper.paragraph("Nothing is shown of who was responsible.")
        return
    paper.paragraph(
        "A lane for each person, a bar for each responsibility; its number is that in the table below. White: the lead "
        "of the case. Blue: the agency. Green: the organisation. A red triangle: a deadline that was missed. Open at "
        "its right end: it goes on. Dashed: the moment that this document is about.",
        SMALL,
    )
    paper.down(4)
    lanes.draw(paper, contents)


def _responsible(paper: Sheets, contents: Contents) -> None:
    paper.heading("Responsibilities")
    cells = (Cell("#", 26), Cell("For", 130), Cell("Who", 193), Cell("From", 75), Cell("Until", 75))
    paper.table(
        cells,
        (
            (
                str(number),
                _step(spell.what.step, spell.what.about),
                named(spell.what.party),
                moment(spell.begin),
                moment(spell.end, _GOES_ON),
            )
            for number, spell in enumerate(contents.spells.charges, 1)
        ),
    )


def _states(paper: Sheets, contents: Contents) -> None:
    paper.heading("States")
    cells = (Cell("State", 219), Cell("From", 140), Cell("Until", 140))
    paper.table(
        cells,
        ((in_words(each.what), moment(each.begin), moment(each.end, _GOES_ON)) for each in contents.spells.states),
    )


def _timeline(paper: Sheets, contents: Contents) -> None:
    paper.heading("What happened")
    for item in contents.items:
        text = fonts.lines(item.text, BODY.font, BODY.size, RIGHT - LEFT - 104)
        beside = fonts.lines(" · ".join(_beside(item)), SMALL.font, SMALL.size, RIGHT - LEFT - 104)
        # An item that fits on a sheet is not divided.
        paper.need(min(len(text) * BODY.lead + len(beside) * SMALL.lead + 5, TOP - BOTTOM))
        y = paper.y - BODY.size
        paper.draw(sheets.Words(LEFT, y, str(item.position), SMALL))
        paper.draw(sheets.Words(LEFT + 28, y, moment(item.occurred_at), SMALL._replace(colour=sheets.BLACK)))
        paper.paragraph(item.text, BODY, LEFT + 104)
        paper.paragraph(" · ".join(_beside(item)), SMALL, LEFT + 104)
        paper.down(5)


def _beside(item: Item) -> Iterator[str]:
    yield item.type
    yield f"by {named(item.actor)}"
    step = f" for {in_words(item.step).lower()}" if item.step is not None else ""
    yield f"responsible{step}: {'the same' if item.responsible == item.actor else named(item.responsible)}"
    if item.due_at is not None:
        yield f"due {moment(item.due_at)}"
    if item.count > 1:
        yield f"{item.count} times"
    if moment(item.recorded_at) != moment(item.occurred_at):
        yield f"recorded {moment(item.recorded_at)}"
    if item.corrected_by:
        yield "corrected later"


def _deadlines(paper: Sheets, contents: Contents) -> None:
    paper.heading("Deadlines")
    cells = (
        Cell("Deadline", 106),
        Cell("Of", 183),
        Cell("Set", 70),
        Cell("Due", 70),
        Cell("Until", 70),
    )
    paper.table(
        cells,
        (
            (
                _step(spell.what.deadline, spell.what.about),
                whom(spell.what.sub, spell.what.role, spell.what.organisation),
                moment(spell.begin),
                moment(spell.what.due_at),
                "missed" if contents.spells.missed_at(spell.what) is not None else moment(spell.end, "runs"),
            )
            for spell in contents.spells.terms
        ),
    )


def _proof(paper: Sheets, contents: Contents) -> None:
    basis, case = contents.basis, shlex.quote(contents.case)
    paper.turn()
    paper.heading("Proof")
    paper.paragraph(
        "The service signs all that it records as one log: a checkpoint says how many events there are, and the root "
        "of the tree of their digests. Nothing before it can be changed, removed or slipped in without another root. "
        "This was the newest checkpoint when this document was made; keep it, and compare it with those that you kept."
    )
    paper.down(8)
    for line in (basis.checkpoint or "Nothing was signed yet when this document was made.").splitlines():
        paper.verbatim(line or " ", _fitting(line))
    paper.down(8)
    paper.paragraph(
        f"The {len(contents.records):,} events of this document have the digest below: the SHA-256 of their digests, "
        "in their order, a line each."
    )
    paper.down(4)
    paper.verbatim(contents.digest, _CODE)
    paper.down(8)
    paper.paragraph("With the settings of the service, both are checked like this:")
    paper.down(4)
    # What is recorded later is not in this document, so it must not be in what it is compared with.
    known_at = min(basis.known_at or basis.newest, basis.newest)
    moments = [
        (name, option, in_utc(at))
        for name, option, at in (("asOf", "--as-of", basis.as_of), ("knownAt", "--known-at", known_at))
        if at is not None
    ]
    options = "".join(f" {option} {at}" for _, option, at in moments)
    query = "".join(f"&{name}={at}" for name, _, at in moments)
    viewer = f" --viewer {shlex.quote(contents.seen_by)}" if contents.seen_by is not None else ""
    paper.verbatim(
        "caserelay audit verify\n"
        f"caserelay export {case} --format ndjson -o case.ndjson \\\n"
        f"{options}{viewer}\n"
        "jq -r .digest case.ndjson | sha256sum",
        _CODE,
    )
    paper.down(8)
    paper.paragraph(
        "The first line holds every event in the database against the signed log and names any that differs; the last "
        "one prints the digest above. With a token of the same reader, the same file comes from "
        f"GET /v1/cases/{quote(contents.case, safe='')}/export?format=ndjson{query}. What is proven, against whom, and "
        "how programs by others check it, is described in docs/audit.md."
    )


def _fitting(line: str) -> Style:
    """How a line of a checkpoint is printed so that it stays one."""
    size = min(_CODE.size, (RIGHT - LEFT - 10) / max(1.0, fonts.width(line, _CODE.font, 1.0)))
    return _CODE._replace(size=max(_LEAST_CODE, size))


def _print(paper: Sheets, contents: Contents, file: IO[bytes], pulse: Pulse) -> None:
    # Nothing of the moment at which it is made is in it: the same contents are the same bytes.
    canvas = Canvas(file, (sheets.WIDTH, sheets.HEIGHT), invariant=1, initialFontName=fonts.SANS, lang="en")
    canvas.setTitle(f"Case history {contents.case}")
    canvas.setAuthor("Caserelay")
    canvas.setSubject(f"As of {moment(contents.basis.at)} UTC")
    canvas.setCreator("Caserelay")
    head = f"as of {moment(contents.basis.at)} UTC · {_checkpoint(contents)}"
    for number, drawn in enumerate(paper.done, 1):
        pulse()
        for each in drawn:
            sheets.put(canvas, each, number)
        for x, y, text in (
            (LEFT, sheets.HEIGHT - 36, f"Case {contents.case}"),
            (LEFT, sheets.HEIGHT - 47, head),
            (LEFT, 34, "Caserelay · case history"),
        ):
            sheets.put(canvas, sheets.Words(x, y, text, SMALL), number)
        page = f"page {number} of {len(paper.done)}"
        right = RIGHT - fonts.width(page, SMALL.font, SMALL.size)
        sheets.put(canvas, sheets.Words(right, 34, page, SMALL._replace(colour=GREY)), number)
        for y in (sheets.HEIGHT - 54, 46):
            sheets.put(canvas, sheets.Stroke(LEFT, y, RIGHT, y, PALE), number)
        canvas.showPage()
    canvas.save()


def _checkpoint(contents: Contents) -> str:
    """The checkpoint on one line: how many events the log had, and how its root begins."""
    try:
        signed = Checkpoint.read(Note.read(contents.basis.checkpoint.encode()).text)
    except ValueError:
        return "no checkpoint was signed yet"
    return f"checkpoint of {signed.size:,} events, root {encoded(signed.root)[:16]}…"


def _step(code: str, about: str | None) -> str:
    return f"{in_words(code)} ({about})" if about is not None else in_words(code)
