"""Each format, read back by a program of others: the same rows, the right types, and nothing that is calculated."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from services.casefile.exports.axis import strips
from services.casefile.exports.contents import Basis, contents_of
from services.casefile.exports.formats import FORMATS, Format, NotInstalled
from services.casefile.exports.spells import CaseSpells
from services.casefile.exports.tables import TABLES, Kind
from services.casefile.reports.spreadsheet import cell
from services.chassis.modelling.days import in_utc
from tests.casefile.casebook import Casebook
from tests.casefile.exports.histories import CHECKPOINT, FORMULAS, NAMES, contents, much_longer, oddly_named, written
from tests.casefile.messages import CASE_ID
from tests.support.dates import end_of, on

SUBS = (*FORMULAS, *NAMES)


@pytest.mark.parametrize("table", TABLES)
def test_csv_is_rfc_4180_with_a_header_and_times_in_utc(book: Casebook, table: str) -> None:
    """Lines end with CR and LF, what has a comma or a quote is quoted, and nothing else is lost."""
    of = contents(oddly_named(book))
    text = written(of, "csv", table).decode()
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    header, *rows = csv.reader(StringIO(text, newline=""), strict=True)
    assert header == [column.name for column in TABLES[table].columns]
    expected = list(of.rows(table))
    assert len(rows) == len(expected) > 0
    for row, values in zip(rows, expected, strict=True):
        for text_of, value in zip(row, values, strict=True):
            shown = "" if value is None else in_utc(value) if isinstance(value, datetime) else str(value)
            assert text_of.removeprefix("'") == shown


def test_no_cell_of_a_csv_is_a_formula(book: Casebook) -> None:
    """Whatever an organisation calls its staff: with an apostrophe before it, a spreadsheet shows it as it is."""
    rows = list(csv.DictReader(StringIO(written(contents(oddly_named(book)), "csv").decode(), newline="")))
    subs = {row["actorSub"] for row in rows}
    assert {f"'{sub}" for sub in FORMULAS} <= subs
    assert set(NAMES) <= subs
    assert not [text for row in rows for text in row.values() if text.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_whatever_begins_a_formula_makes_none(begin: str) -> None:
    """Also in full width, as Excel takes it in Japanese, and behind a line end or a tab."""
    assert cell(f"{begin}1+2") == f"'{begin}1+2"


def test_a_workbook_has_a_sheet_for_each_table_with_typed_cells(book: Casebook) -> None:
    """Times are dates to a spreadsheet, the header stays in sight, and what looks like a formula is a string."""
    of = contents(oddly_named(book))
    workbook: Any = openpyxl.load_workbook(BytesIO(written(of, "xlsx")))
    assert workbook.sheetnames == ["About", "Timeline", "States", "Responsibilities", "Deadlines", "Events"]
    for table in TABLES.values():
        sheet = workbook[table.title]
        assert sheet.freeze_panes == "A2"
        header, *rows = sheet.iter_rows()
        assert [title.value for title in header] == list(table.header)
        expected = list(of.rows(table.name))
        assert len(rows) == len(expected)
        for row, values in zip(rows, expected, strict=True):
            for shown, value, column in zip(row, values, table.columns, strict=True):
                assert shown.data_type != "f"
                assert shown.value == (value.replace(tzinfo=None) if isinstance(value, datetime) else value)
                assert shown.is_date == (column.kind is Kind.TIME and value is not None)
    about = {row[0].value: row[1].value for row in workbook["About"].iter_rows()}
    assert about["Case"] == CASE_ID
    assert about["Digest of the events"] == of.digest
    assert about["Checkpoint"] == CHECKPOINT


@pytest.mark.parametrize("table", TABLES)
def test_parquet_has_proper_types(book: Casebook, table: str) -> None:
    """Times are instants in UTC, places are numbers, and what is not there is null."""
    of = contents(oddly_named(book))
    read = pq.read_table(BytesIO(written(of, "parquet", table)))
    kinds = {"TEXT": "string", "TIME": "timestamp[us, tz=UTC]", "NUMBER": "int64"}
    assert [(field.name, str(field.type)) for field in read.schema] == [
        (column.name, kinds[column.kind]) for column in TABLES[table].columns
    ]
    assert [tuple(row.values()) for row in read.to_pylist()] == list(of.rows(table))
    assert read.schema.metadata[b"caserelay.checkpoint"].decode() == CHECKPOINT


def test_ndjson_is_the_raw_record_a_line_each(book: Casebook) -> None:
    """Each with its case; and their digests are what the document says."""
    of = contents(oddly_named(book))
    lines = written(of, "ndjson").decode().splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == len(book.history)
    first = events[0]
    assert (first["case"], first["type"], first["version"]) == (CASE_ID, "CaseOpened", 1)
    assert {"event", "occurredAt", "recordedAt", "actor", "digest", "data", "position"} <= first.keys()
    # As `jq -r .digest | sha256sum` computes it.
    lines_of = "".join(event["digest"] + "\n" for event in events)
    assert hashlib.sha256(lines_of.encode()).hexdigest() == of.digest
    assert events[3]["digest"] == hashlib.sha256(book.history[3].state).hexdigest()


def text_of(page: Any) -> str:
    """What stands on a page, with blanks in the place of line ends."""
    return " ".join(page.extract_text().split())


def test_a_pdf_has_lanes_words_and_the_proof_on_its_last_page(book: Casebook) -> None:
    """Every page names the case, the moment and the checkpoint, and how many pages there are."""
    of = contents(oddly_named(book))
    reader = PdfReader(BytesIO(written(of, "pdf")))
    pages = [text_of(page) for page in reader.pages]
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
        assert f"Case {CASE_ID}" in page
        assert "as of 2026-08-06 08:00 UTC" in page
        assert "checkpoint of 412 events, root q2EJcDjSkFY8nYpK" in page
    whole = " ".join(pages)
    for item in of.items:
        assert " ".join(item.text.split()) in whole, item.text
    for label in ("4 First contact", "6 Matching", "1 Case lead"):
        assert label in pages[0], "the lanes are on the first page"
    for sub in SUBS:
        assert sub in whole, sub
    assert "q2EJcDjSkFY8nYpKkbV5nB9Y3Bpl2f1sWm0lqGZr0nA=" in pages[-1]
    assert of.digest in pages[-1]
    assert "caserelay audit verify" in pages[-1]
    assert [entry["/Title"] for entry in reader.outline] == [  # type: ignore[call-overload]
        "Lanes of responsibility",
        "Responsibilities",
        "States",
        "What happened",
        "Deadlines",
        "Proof",
    ]


def test_what_a_pdf_says_to_check_it_with_leaves_out_what_comes_later(book: Casebook) -> None:
    """The digest is still the same one when the case has gone on, also where a later `knownAt` was asked for."""
    book.mentoring()
    newest = "2026-08-06T08:00:00Z"
    asked: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({}, f"--known-at {newest}", f"&knownAt={newest}"),
        ({"known_at": on(6, 9)}, f"--known-at {newest}", f"&knownAt={newest}"),
        (
            {"as_of": on(3, 3), "known_at": on(4, 4)},
            "--as-of 2026-03-03T09:00:00Z --known-at 2026-04-04T08:00:00Z",
            "&asOf=2026-03-03T09:00:00Z&knownAt=2026-04-04T08:00:00Z",
        ),
    )
    for moments, options, query in asked:
        proof = text_of(PdfReader(BytesIO(written(contents(book, **moments), "pdf"))).pages[-1])
        assert f"-o case.ndjson \\ {options} jq" in proof
        assert f"/export?format=ndjson{query}." in proof.replace(" ", "")


@pytest.mark.parametrize("kind", FORMATS)
def test_before_a_case_began_there_is_a_file_without_rows(book: Casebook, kind: str) -> None:
    """It can be opened, and says of what moment it is."""
    of = contents(book.referred(), as_of=on(1, 1, 2020))
    assert of.records == []
    content = written(of, kind)
    if kind == "pdf":
        first = text_of(PdfReader(BytesIO(content)).pages[0])
        assert "Events 0" in first
        assert "2020-01-01" in first
    if kind == "xlsx":
        workbook: Any = openpyxl.load_workbook(BytesIO(content))
        assert [sheet.max_row for sheet in workbook.worksheets[1:]] == [1] * len(TABLES)
    if kind == "csv":
        assert content.count(b"\r\n") == 1
    if kind == "parquet":
        assert pq.read_table(BytesIO(content)).num_rows == 0
    if kind == "ndjson":
        assert content == b""


def test_every_lane_is_on_its_sheet_however_many_there_are(book: Casebook) -> None:
    """Forty people were responsible within a month: more lanes than a sheet has room for."""
    book.mentoring()
    of = contents(book)
    spells = CaseSpells()
    party = of.spells.charges[0].what.party
    for number in range(40):
        lead = replace(party, sub=f"person.{number}")
        spells.take(book.history[-1], replace(of.after, lead=lead))
    reader = PdfReader(BytesIO(written(replace(of, spells=spells), "pdf")))
    heights: list[float] = []

    def note(text: str, _: object, at: Any, *__: object) -> None:
        if text.strip():
            heights.append(at[5])

    for page in reader.pages:
        page.extract_text(visitor_text=note)
    assert len(heights) > 200
    assert min(heights) >= 30


def test_no_name_beside_a_lane_ends_without_a_word(book: Casebook) -> None:
    """What is too long for two lines ends with dots; a role and an organisation that fit on two are whole."""
    book.mentoring()
    of = contents(book)
    spells = CaseSpells()
    party = of.spells.charges[0].what.party
    for sub, org in (("of-a-long-name." * 6, "vdab-gent"), ("short", "samenstap-oost-vlaanderen"), ("none", "o" * 199)):
        spells.take(book.history[-1], replace(of.after, lead=replace(party, sub=sub, org=org)))
    lanes = text_of(PdfReader(BytesIO(written(replace(of, spells=spells), "pdf"))).pages[0])
    assert "of-a-long-name.of-a-long-… Agency counsellor, vdab-gent" in lanes
    assert "none Agency counsellor, ooooo" in lanes
    assert "ooooo… " in lanes
    assert "Agency counsellor, samenstap-oost-vlaanderen" in lanes


def test_every_font_of_a_pdf_is_in_it(book: Casebook) -> None:
    """So it looks the same wherever it is printed."""
    reader = PdfReader(BytesIO(written(contents(oddly_named(book)), "pdf")))
    fonts: dict[str, Any] = {}
    for page in reader.pages:
        resources: Any = page["/Resources"]
        fonts |= {font.get_object()["/BaseFont"]: font.get_object() for font in resources["/Font"].values()}
    assert len(fonts) >= 3
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in fonts.values())


def test_what_no_font_can_draw_is_named_in_its_place(book: Casebook) -> None:
    """An identifier may be in any script; nothing of it is lost without a word."""
    book.mentoring()
    of = contents_of("كيف", book.history, Basis(10_000, on(6, 8)))
    first = text_of(PdfReader(BytesIO(written(of, "pdf"))).pages[0])
    assert "Case [U+0643][U+064A][U+0641]" in first
    assert "no checkpoint was signed yet" in first


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_contents_are_the_same_bytes(book: Casebook, kind: str) -> None:
    """No time of making, no number drawn by chance; another moment is another file, but for plain events."""
    oddly_named(book)
    first = written(contents(book), kind)
    assert first == written(contents(book), kind)
    if kind in ("pdf", "xlsx"):
        earlier = contents(book, as_of=on(20, 1))
        assert first != written(earlier, kind)


def test_a_workbook_does_not_say_when_it_was_made(book: Casebook) -> None:
    """Its members have one date for all of them."""
    with zipfile.ZipFile(BytesIO(written(contents(book.referred()), "xlsx"))) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_a_format_whose_library_is_missing_says_how_to_get_it() -> None:
    """By name, with both commands, and what goes without."""
    kind = Format("pdf", "application/pdf", tabular=False, needs=("no_such_library_of_ours",))
    with pytest.raises(NotInstalled, match="exports as pdf need libraries that are not installed") as refused:
        kind.require()
    for word in ("`make exports`", "pip install 'caserelay[export]'", "csv and ndjson need none"):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("days", "many"), [(0.1, 1), (1, 2), (5, 2), (20, 3), (120, 4), (400, 4), (2_000, 4), (4_000, 3), (20_000, 6)]
)
def test_a_long_time_is_cut_into_few_strips(days: float, many: int) -> None:
    """Up to forty years four, of one length, without a gap; each has a tick at its begin and not too many."""
    first = datetime(2026, 1, 17, 10, tzinfo=UTC)
    last = first + timedelta(days=days)
    found = strips(first, last)
    assert len(found) <= many
    assert found[0].begin <= first
    assert found[-1].end >= last
    assert [strip.end for strip in found[:-1]] == [strip.begin for strip in found[1:]]
    for strip in found:
        assert 1 <= len(strip.ticks) <= 13
        assert all(strip.begin <= at < strip.end for at, _ in strip.ticks)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_a_case_of_many_events_is_written_whole(book: Casebook, kind: str) -> None:
    """2,000 events more, and lanes over years."""
    book.mentoring()
    records = much_longer(book, 2_000)
    of = contents_of(CASE_ID, records, Basis(10_000, end_of(1, 8, 2031), CHECKPOINT))
    content = written(of, kind)
    if kind == "pdf":
        assert f"page {len(PdfReader(BytesIO(content)).pages)} of" in text_of(PdfReader(BytesIO(content)).pages[-1])
    if kind == "ndjson":
        assert content.count(b"\n") == len(records)
    if kind == "csv":
        assert content.count(b"\r\n") == len(of.items) + 1
