"""A disputed text cannot be mistaken for an undisputed one, on a terminal or in JSON."""

from __future__ import annotations

import random

import pytest
from rich.console import Console

from edge_runtime.cli import section_text
from edge_runtime.clinical import marks
from edge_runtime.documents import OpenDocument
from edge_runtime.facts import Author
from edge_runtime.text import section as section_module
from edge_runtime.text.view import Outside
from sync_protocol.ids import DeviceId, DocumentId, UserId
from sync_protocol.verdicts import Reason
from tests.unit.edge_runtime.text.histories import session
from tests.unit.edge_runtime.text.sections import QUARANTINED, Story, Typed, section


def _opened(story: Story, name: str = "plan") -> OpenDocument:
    """A document with one section, written by nurses whose device is named by their number."""
    found = OpenDocument(DocumentId(bytes(16)))
    found.texts = {name: section(story.typed, story.verdicts)}
    found.texts[name].section = name
    found.authors = {
        session(number): Author(
            user=UserId(bytes([number]) * 16),
            device=DeviceId(bytes([number]) * 16),
            session=session(number),
            role="nurse",
        )
        for number in range(story.authors)
    }
    return found


def _says(story: Story, actor: int, text: str, *sees: Typed) -> Typed:
    story.seen[actor] = {name for one in sees for name in (*one.past, one.name)}
    made = story.put(actor, section([story.known[name] for name in story.seen[actor]], story.verdicts), text)
    assert made is not None
    return made


def _printed(found: OpenDocument) -> str:
    console = Console(width=160, no_color=True)
    with console.capture() as captured:
        for row in section_text.section_rows(found):
            console.print(row)
    return captured.get()


def _disputed() -> Story:
    story = Story(random.Random(0), authors=4)
    first = _says(story, 0, "dose to follow")
    wrong = _says(story, 1, "dose 5000", first)
    _says(story, 2, "dose 250 mg\nrest", wrong)
    story.verdicts[wrong.name] = QUARANTINED
    return story


def test_an_undisputed_text_stands_alone() -> None:
    """Name, authors, text, and no word more."""
    story = Story(random.Random(0))
    _says(story, 0, "dose 250 mg")
    assert _printed(_opened(story)).splitlines() == ["Plan   nurse 00000000", "dose 250 mg"]
    told = section_text.sections_json(_opened(story))["plan"]
    assert (told["disputed"], told["views"], told["more_views"], told["merged_lines"]) == (False, [], 0, [])


def test_a_view_is_shown_whole_with_author_time_and_reason() -> None:
    """Every line of it bears the bar, so that none can be read as part of the text above."""
    printed = _printed(_opened(_disputed())).splitlines()
    assert printed[:2] == ["Plan  DISPUTED   nurse 00000000", "dose to follow"]
    assert printed[2].startswith("┃ Kept apart  nurse 02020202, 1970-01-01")
    assert "typed in sight of text that does not count; written on a device" in printed[2]
    assert printed[3:5] == ["┃ dose 250 mg", "┃ rest"]
    assert printed[5].startswith("Edit the section to say what it reads")


def test_json_has_every_view_whole() -> None:
    """Keys are those that scripts rely on."""
    told = section_text.sections_json(_opened(_disputed()))["plan"]
    (view,) = told["views"]
    assert (told["text"], told["complete"], told["forked"], told["disputed"]) == ("dose to follow", True, False, True)
    assert set(view) == {"head", "text", "author", "authors", "lamport", "wall_ms", "reasons"}
    assert (view["text"], view["reasons"]) == ("dose 250 mg\nrest", ["follows", "revoked"])
    assert [author["device"][:2] for author in view["authors"]] == ["00", "01", "02"]


def test_a_line_that_nobody_wrote_is_pointed_out() -> None:
    """A number that two authors made together is named, and not only the section."""
    story = Story(random.Random(0))
    first = _says(story, 0, "dose \n")
    _says(story, 1, "dose 250\n", first)
    _says(story, 2, "dose 875 mg\n", first)
    found = _opened(story)
    (line,) = found.texts["plan"].torn
    assert f"Nobody wrote this line as it stands: {line}" in _printed(found)
    assert section_text.sections_json(found)["plan"]["merged_lines"] == [line]


def test_what_is_not_shown_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section with many views says how many more there are."""
    monkeypatch.setattr(section_module, "VIEWS_MAX", 0)
    assert "1 more texts are kept apart" in _printed(_opened(_disputed()))


def test_a_section_of_a_newer_layout_is_shown_too() -> None:
    """After those that this version knows."""
    assert _printed(_opened(_disputed(), "narrative")).startswith("Narrative  DISPUTED")


@pytest.mark.parametrize("reason", [*Outside, Reason.REVOKED, Reason.FORKED])
def test_every_reason_has_words(reason: Reason | Outside) -> None:
    """No code is printed."""
    assert " " in marks.why_apart(reason)
