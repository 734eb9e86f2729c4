"""Letters say what happened in the reader's language, hold no personal data, and have the headers of automatic mail."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from html.parser import HTMLParser
from string import Formatter
from typing import Final

import pytest

from contracts.codes import Step
from services.chassis.mail.writing import Envelope, composed
from services.notifications.catalogue import MESSAGES
from services.notifications.email.letters import MOST_LINES, WIDTH, Letter, Line, parts_of
from services.notifications.email.texts import DEFAULT, LANGUAGES, Texts, texts

ZONE: Final = "Europe/Brussels"
AT: Final = datetime(2026, 1, 12, 23, 30, tzinfo=UTC)
LINK: Final = "https://caserelay.example.org/app/cases/0b9c1f3e-7a1e-4d8c-9f00-2f6a1f2b3c4d"
LEAVE: Final = "https://caserelay.example.org/unsubscribe/abc"
VALUES: Final = dict.fromkeys(("organisation", "what", "moment", "date", "until", "since", "count", "step"), "XXX")
KINDS: Final = sorted(texts(DEFAULT).letters)


def sent(letter: Letter) -> EmailMessage:
    """A letter as it arrives."""
    message = composed(parts_of(letter), Envelope("caserelay@example.org", "lotte@brugwerk.example", "d-1", AT))
    return message_from_bytes(message.as_bytes(), policy=default)


def part(message: EmailMessage, kind: str) -> str:
    """The words of one of its parts."""
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


class Seen(HTMLParser):
    """What of a page is shown, where its links lead, and what it would load from elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes links and what is loaded."""
        self._hidden += tag in ("style", "title")
        self.links += [value for name, value in attrs if name == "href" and value is not None]
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "srcset", "background")]
        self.loads += [tag] if tag in ("script", "link", "iframe", "img", "form") else []

    def handle_endtag(self, tag: str) -> None:
        """Shown again."""
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        """Notes what is shown."""
        if not self._hidden:
            self.words += data.split()


def placeholders(words: Texts) -> dict[str, set[str | None]]:
    """What is to be filled in, by the letter and the part of it."""
    found: dict[str, set[str | None]] = {}
    for kind, letter in words.letters.items():
        for name in ("subject", "heading", "paragraphs", "after", "button"):
            text = getattr(letter, name)
            whole = " ".join(text) if isinstance(text, list) else text or ""
            found[f"{kind} {name}"] = {field for _, field, _, _ in Formatter().parse(whole) if field is not None}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    """A sentence for each type of message and each step, and letters with the same words to fill in."""
    words = texts(language)
    assert words.language == language
    assert set(words.events) == set(MESSAGES)
    assert set(words.steps) == {step.value for step in Step}
    assert placeholders(words) == placeholders(texts(DEFAULT))
    assert len(set(words.months)) == 12
    assert [text for text in [*words.events.values(), *words.steps.values()] if not text or text != text.strip()] == []


def test_no_language_is_left_in_another_one() -> None:
    """A text that two languages share was forgotten; what they truly share is named here."""
    shared = [
        (name, kind)
        for kind in texts(DEFAULT).events
        for name in LANGUAGES
        if any(texts(name).event(kind) == texts(other).event(kind) for other in LANGUAGES if other != name)
    ]
    assert shared == []


@pytest.mark.parametrize(("asked_for", "language"), [("nl-BE", "nl"), ("FR", "fr"), ("ar", "en"), (None, "en")])
def test_the_nearest_language_is_written(asked_for: str | None, language: str) -> None:
    """By its primary tag; who reads none of ours gets English."""
    assert texts(asked_for).language == language
    assert sent(Letter("code", asked_for, {}, code="1"))["Content-Language"] == language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_say_the_same_and_load_nothing(language: str, kind: str) -> None:
    """Every word of the text stands in the HTML, with the same links, and nothing comes from elsewhere."""
    line = Line("YYY", "ZZZ", LINK)
    message = sent(Letter(kind, language, VALUES, link=LINK, lines=[line], organisation="Ö & Co", unsubscribe=LEAVE))
    page = Seen(part(message, "html"))
    text = part(message, "plain")
    words = [word for word in text.split() if word not in ("/", "--")]
    assert [word for word in words if word not in page.words and word not in page.links] == []
    assert set(page.links) == {word for word in words if word.startswith("https://")}
    assert page.loads == []
    assert [row for row in text.splitlines() if len(row) > WIDTH and "https://" not in row] == []
    assert f'lang="{language}"' in part(message, "html")
    assert "{" not in text + message["Subject"]


def test_what_is_filled_in_is_never_markup() -> None:
    """The name of an organisation is written by people."""
    name = '<img src="https://evil.example/x">&"'
    message = sent(Letter("event", "nl", {**VALUES, "organisation": name}, link=LINK, organisation=name))
    page = Seen(part(message, "html"))
    assert (page.loads, page.links) == ([], [LINK, LINK])
    assert name in part(message, "plain").replace("\n", " ")


def test_a_name_adds_no_header() -> None:
    """What people write stays on the line that it is written on."""
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        sent(Letter("event", "nl", {**VALUES, "what": "x\r\nBcc: evil@example.org"}))


def test_the_headers_are_those_of_automatic_mail() -> None:
    """RFC 3834, RFC 2369, RFC 8058; the identity is the delivery's, so that a repeat is the same letter."""
    letter = Letter("event", "nl", VALUES, link=LINK, unsubscribe=LEAVE)
    message = sent(letter)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == f"<{LEAVE}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == sent(letter)["Message-ID"] == "<d-1@example.org>"
    assert message["Date"] == "Mon, 12 Jan 2026 23:30:00 +0000"
    assert "List-Unsubscribe" not in sent(Letter("code", "nl", VALUES, code="1"))


def test_no_address_in_a_header_is_written_in_code() -> None:
    """However long it is: encoded words (RFC 2047) stand for text, and mail programs open none as an address."""
    leave, domain = f"https://{'caserelay.' * 20}example.org/mail/unsubscribe/{'a' * 64}", f"{'mail.' * 30}example.org"
    letter = Letter("event", "nl", VALUES, link=LINK, unsubscribe=leave)
    envelope = Envelope(f"caserelay@{domain}", f"lotte@{domain}", "d-1", AT)
    wire = composed(parts_of(letter), envelope).as_bytes(policy=SMTP)
    lines = wire.decode().partition("\r\n\r\n")[0].split("\r\n")
    assert f"List-Unsubscribe: <{leave}>" in lines
    assert f"Message-ID: <d-1@{domain}>" in lines
    assert [line for line in lines if "=?" in line] == []


def test_what_goes_over_the_wire_is_ascii() -> None:
    """Whatever the language: a server need not take anything else."""
    for language in LANGUAGES:
        letter = Letter("event", language, {**VALUES, "what": "Łódź über ça"}, link=LINK)
        envelope = Envelope("caserelay@example.org", "lotte@brugwerk.example", "d-1", AT)
        wire = composed(parts_of(letter), envelope).as_bytes()
        assert wire.isascii()
        assert max(map(len, wire.split(b"\r\n"))) <= 998


def test_times_are_those_of_the_place() -> None:
    """Half past eleven in the evening in London is another day in Brussels."""
    assert texts("en").time(AT, ZONE).replace("\u00a0", " ") == "13 January 2026 at 00:30"
    assert texts("de").date(AT, ZONE).replace("\u00a0", " ") == "13. Januar 2026"
    assert texts("fr").time(AT, "Europe/London").replace("\u00a0", " ") == "12 janvier 2026 à 23 h 30"


def test_a_digest_names_fifty_and_counts_the_rest() -> None:
    """A mailbox is no archive."""
    lines = [Line(f"event {number}", "today", LINK) for number in range(MOST_LINES + 3)]
    text = part(sent(Letter("digest", "en", VALUES, link=LINK, lines=lines)), "plain")
    assert text.count("today / event") == MOST_LINES
    assert "And 3 more" in text
