"""Codes that others publish: the lists are whole, what is on them passes, and a refusal names what is near."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import iso3166
import pytest

from contracts.code_lists.checks import country, esco, esco_isco, isco, region, time_zone
from contracts.code_lists.languages import language
from contracts.code_lists.lists import DIRECTORY, codes_of
from contracts.code_lists.sectors import as_sent, sector

COUNTS: dict[str, dict[int, int]] = {
    # ILO, ISCO-08 volume I: major, sub-major, minor and unit groups.
    "isco-08": {1: 10, 2: 43, 3: 130, 4: 436},
    # Eurostat on NACE Rev. 2.1 and Rev. 2: sections, divisions, groups, classes; by the length of their codes.
    "nace-2.1": {1: 22, 2: 87, 4: 287, 5: 651},
    "nace-2.0": {1: 21, 2: 88, 4: 272, 5: 615},
    # Eurostat on NUTS 2024: levels 1, 2 and 3 of the 27 member states.
    "nuts-2024": {3: 92, 4: 244, 5: 1165},
    # The Commission on ESCO v1.2: occupations.
    "esco-1.2": {36: 3039},
}
MEMBER_STATES = [
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV"),
    *("MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
]

OCCUPATION = "http://data.europa.eu/esco/occupation/00030d09-2b3a-4efd-87cc-c4ea39d27c34"
"""Technical director: in ISCO-08 among film, stage and related directors, 2654."""

TAKEN: list[tuple[Callable[[str], str], str, str]] = [
    *((isco, code, code) for code in ("0", "01", "011", "0110", "2411", "5120", "962", "9629")),
    *((esco, uri, uri) for uri in (OCCUPATION, "http://data.europa.eu/esco/isco/C5120")),
    *((region, code, code) for code in ("BE", "BE2", "BE23", "BE234", "EL301", "FRY50", "DEG0S", "90", "01")),
    *((country, code, code) for code in ("BE", "GR", "GB", "SS")),
    *((time_zone, zone, zone) for zone in ("Europe/Brussels", "America/Argentina/Ushuaia", "Etc/GMT+1", "UTC")),
    (sector, "N", "2.1:N"),
    (sector, "V", "2.1:V"),
    (sector, "62", "2.1:62"),
    (sector, "K62", "2.1:K62"),
    (sector, "2.1:M", "2.1:M"),
    (sector, "2.0:M", "2.0:M"),
    (sector, "2.0:45", "2.0:45"),
    (sector, "2.0:J62", "2.0:J62"),
    # RFC 5646, appendix A, among others.
    *(
        (language, tag, tag)
        for tag in (
            "nl", "ti", "prs", "ckb", "zh-Hant", "sr-Latn-RS", "zh-cmn-Hans-CN", "sl-rozaj-biske", "de-CH-1901",
            "es-419", "nl-BE-u-ca-gregory", "de-DE-u-co-phonebk", "ar-u-nu-latn", "de-CH-x-phonebk",
            "en-a-myext-b-another", "hy-Latn-IT-arevela", "i-klingon", "x-whatever", "qaa-Qaaa-QM-x-southern",
        )
    ),
    (language, "NL-be", "nl-BE"),
    (language, "zh-HANT-tw", "zh-Hant-TW"),
    (language, "en-us-U-CA-Gregory", "en-US-u-ca-gregory"),
]  # fmt: skip

REFUSED: list[tuple[Callable[[str], str], str, str]] = [
    (isco, "9999", "9629"),
    (isco, "110", "0110"),
    (isco, "24110", "2411"),
    (isco, "2411 ", "2411"),
    (isco, "accountant", "9"),
    (esco, f"{OCCUPATION[:-1]}5", OCCUPATION),
    (esco, "https://data.europa.eu/esco/isco/C5120", "http://data.europa.eu/esco/isco/C5120"),
    (esco, "http://data.europa.eu/esco/isco/C9999", "http://data.europa.eu/esco/isco/C9629"),
    (region, "ZZ999", "nearest: "),
    (region, "GR300", "EL301"),
    (region, "GR", "EL"),
    (region, "BE239", "BE236"),
    (region, "be234", "BE234"),
    (region, "9000", "90"),
    (region, "BEZZZ", "BE3"),
    (region, "DEG04", "DEG03"),
    (country, "ZZ", "ZW"),
    (country, "XK", "nearest: "),
    (country, "EL", "GR"),
    (country, "be", "BE"),
    (time_zone, "Europe/Brussel", "Europe/Brussels"),
    (time_zone, "right/Europe/Brussels", "Europe/Brussels"),
    (time_zone, "localtime", "nearest: "),
    (sector, "A99", "A03"),
    (sector, "04", "03"),
    (sector, "W", "V"),
    (sector, "45", "2.0:45"),
    (sector, "J62", "2.0:J62"),
    (sector, "2.0:V", "2.0:U"),
    (sector, "2.0:A99", "2.0:A03"),
    (sector, "62.01", "62"),
    (sector, "n", "N"),
    (sector, "3.0:M", "2.1:M"),
    (sector, ":M", "2.1:M"),
    (language, "xx", "xh"),
    (language, "nld", "nl"),
    (language, "Arabic language", "ar"),
    (language, "nl_BE", "nl-BE"),
    (language, "nl-BX", "nl-BW"),
    (language, "de-419-DE", "de-419"),
    (language, "ar-a-aaa-b-bbb-a-ccc", "ar"),
    (language, "a-DE", "nearest: "),
    (language, "nl-u", "nl"),
    (language, f"nl-x{'-abcdefgh' * 20}", "nl"),
]


def _name(case: Any) -> str:
    return case.__name__ if callable(case) else str(case)[:30]


@pytest.mark.parametrize("name", COUNTS)
def test_a_list_has_as_many_codes_as_its_publisher_says(name: str) -> None:
    """By level, each once; and it says whose it is, of when, from where, and who may use it."""
    codes = list(codes_of(name))
    assert Counter(len(code) for code in codes) == COUNTS[name]
    assert len(set(codes)) == len(codes)
    shipped = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    assert all(shipped[said] for said in ("name", "publisher", "published", "source", "licence"))


def test_no_list_is_shipped_uncounted() -> None:
    """A list that comes later is counted above, too."""
    assert {file.stem for file in DIRECTORY.glob("*.json")} == COUNTS.keys()


@pytest.mark.parametrize("name", ["isco-08", "nuts-2024"])
def test_every_code_stands_below_another(name: str) -> None:
    """A code without its last character is a code of the level above: nothing is left out in between."""
    codes = set(codes_of(name))
    shortest = min(len(code) for code in codes)
    assert [code for code in codes if len(code) > shortest and code[:-1] not in codes] == []


def test_nuts_is_of_the_member_states() -> None:
    """All 27, Greece as EL, and nobody else; without the regions in which nobody lives."""
    assert sorted({code[:2] for code in codes_of("nuts-2024")}) == MEMBER_STATES
    assert [code for code in codes_of("nuts-2024") if code[2:].strip("Z") == ""] == []


def test_every_occupation_of_esco_has_its_isco_group() -> None:
    """A group of ISCO-08 at the lowest level."""
    assert esco_isco(OCCUPATION) == "2654"
    assert esco_isco("http://data.europa.eu/esco/isco/C51") == "51"
    groups = json.loads((DIRECTORY / "esco-1.2.json").read_text(encoding="utf-8"))["codes"]
    assert [group for group in groups if len(group) != 4 or isco(group) != group] == []


def test_iso_3166_has_as_many_countries_as_iso_says() -> None:
    """ISO 3166-1 has 249 officially assigned codes; the library has one more, which ISO leaves to its users."""
    taken = [one.alpha2 for one in iso3166.countries if _passes(country, one.alpha2)]
    assert len(taken) == 249


@pytest.mark.parametrize(("check", "code", "kept"), TAKEN, ids=_name)
def test_what_is_published_passes(check: Callable[[str], str], code: str, kept: str) -> None:
    """In the form in which events keep it."""
    assert check(code) == kept


@pytest.mark.parametrize(("check", "code", "near"), REFUSED, ids=_name)
def test_what_is_not_published_is_refused_with_what_is_near(check: Callable[[str], str], code: str, near: str) -> None:
    """The nearest code is named, and what was sent is not repeated unless it is a part of that."""
    with pytest.raises(ValueError, match="there is no such code in ") as refused:
        check(code)
    said = str(refused.value)
    assert near in said
    named = said.partition("nearest: ")[2]
    assert named
    assert code not in named.replace(",", "").replace(";", "").split()


@pytest.mark.parametrize("check", [isco, esco, region, country, time_zone, sector, language])
@pytest.mark.parametrize("text", ["", " ", "\x00", "٣٣", "é", "-", ":", "2.0:", "{said}", "A" * 10_000, "9" * 10_000])
def test_any_text_is_answered(check: Callable[[str], str], text: str) -> None:
    """By a refusal that is short enough to be read."""
    with pytest.raises(ValueError, match="there is no such code in ") as refused:
        check(text)
    assert len(str(refused.value)) < 600


def test_what_follows_a_singleton_is_not_repeated() -> None:
    """A private subtag may be anybody's name."""
    with pytest.raises(ValueError, match="nearest") as refused:
        language("nl-x-samira-voorbeeldig")
    assert "samira" not in str(refused.value)


class Sliced(str):
    """A text that counts how often a part of it is taken."""

    __slots__ = ("taken",)
    taken: int

    def __getitem__(self, place: Any) -> str:
        self.taken += 1
        return super().__getitem__(place)


def test_a_long_text_is_no_dearer_to_find_the_nearest_codes_of_than_a_short_one() -> None:
    """A body may have a megabyte in the place of a code."""
    text = Sliced("5120" + "0" * 100_000)
    text.taken = 0
    with pytest.raises(ValueError, match="nearest: 5120") as refused:
        isco(text)
    assert text.taken < 10
    with pytest.raises(ValueError, match="nearest") as short:
        isco("51200")
    assert str(refused.value) == str(short.value)


def test_the_same_letter_is_another_sector_in_the_other_revision() -> None:
    """Real estate is L in Rev. 2 and M in Rev. 2.1: division 68 says so."""
    assert sector("M68") == "2.1:M68"
    assert sector("2.0:L68") == "2.0:L68"
    for wrong in ("L68", "2.0:M68"):
        with pytest.raises(ValueError, match="no such code"):
            sector(wrong)


def test_a_sector_is_shown_as_it_is_sent() -> None:
    """Bare in Rev. 2.1, with its revision in Rev. 2; one from before revisions were kept as it is."""
    assert as_sent(("2.1:N", "2.0:M", "M")) == ["N", "2.0:M", "M"]


def _passes(check: Callable[[str], str], code: str) -> bool:
    try:
        check(code)
    except ValueError:
        return False
    return True
