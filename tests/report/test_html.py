from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.report.html import write
from replayer.report.report import Excerpt, Moment, Report, Sides, Status, Timeline, Total

EVIL = "<script>alert(1)</script>\"'&"
VOID = {"meta", "rect", "line"}


class _Page(HTMLParser):
    """What a browser would make of the page: its elements, in order, and whether each is closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(report: Report) -> _Page:
    read = _Page(write(report))
    assert read.open == []
    return read


def full(made: Callable[..., Report], text: str) -> Report:
    excerpt = Excerpt(lines=(text, "second"), marked=frozenset({0}))
    moments = (
        Moment(at=1, sender="client", text=text),
        Moment(at=2, sender="server", text=text, severity=Severity.ERROR, kind="close"),
    )
    return made(
        {"name": text, "why": text, "rule": text, "places": (text,), "count": 3, "severity": Severity.ERROR},
        {"name": "with an excerpt", "excerpt": excerpt, "status": Status.NOTED},
        {"name": "with sides", "sides": Sides(old=excerpt, new=excerpt, old_title=text, new_title=text)},
        {"name": text, "status": Status.HELD},
        summary=(text,),
        status=ExitStatus.DID_NOT_HOLD,
        totals=(Total(name=text, number=3),),
        timelines=(Timeline(title=text, moments=moments, left_out=7),),
    )


def test_the_page_needs_nothing_but_itself(made: Callable[..., Report]) -> None:
    seen = page(full(made, "x")).seen
    assert not {tag for tag, _ in seen} & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not [attrs for _, attrs in seen if {"src", "href"} & set(attrs) or any(name[:2] == "on" for name in attrs)]
    assert "url(" not in write(full(made, "x"))
    assert "@import" not in write(full(made, "x"))


def test_what_came_from_a_cassette_is_text_and_never_markup(made: Callable[..., Report]) -> None:
    report = full(made, EVIL)
    read = page(report)
    assert "script" not in {tag for tag, _ in read.seen}
    assert read.text.count(EVIL) == 15


def test_what_does_not_fit_is_marked_and_both_sides_are_shown(made: Callable[..., Report]) -> None:
    classes = [attrs.get("class") for tag, attrs in page(full(made, "x")).seen if tag == "span"]
    assert [classes.count(name) for name in ("mark", "gone", "came")] == [1, 1, 1]


def test_the_frames_of_a_connection_stand_on_a_line_of_time_and_in_a_table(made: Callable[..., Report]) -> None:
    read = page(full(made, "x"))
    assert [attrs["class"] for tag, attrs in read.seen if tag == "rect"] == ["client", "error"]
    assert "9 frames" in read.text
    assert "7 more frames" in read.text


def test_it_reads_in_light_and_dark(made: Callable[..., Report]) -> None:
    text = write(made())
    assert "prefers-color-scheme: dark" in text
    assert 'name="color-scheme" content="light dark"' in text
