"""A report as one HTML page: nothing is loaded, no script runs, and it reads in light and dark and on paper.

Totals first, then what fails, the gravest first, with its excerpt or both sides; then what was only noted; then the
frames of connections on their timelines; what held is folded away. Whatever came from a cassette is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from replayer import __version__
from replayer.report.page import STYLE
from replayer.report.report import Excerpt, Moment, Report, Result, Sides, Status, Timeline

__all__ = ["write"]

_SECTIONS = (
    ("Does not hold", (Status.FAILED, Status.UNREADABLE)),
    ("Noted", (Status.NOTED,)),
    ("Left out", (Status.SKIPPED,)),
)
_OPEN = 5
"""Findings of a section whose details are unfolded."""


def write(report: Report) -> str:
    """The page."""
    verdict = "held" if report.status == 0 else "did not hold" if report.status == 1 else "nothing was checked"
    if report.status == 4:
        verdict = "unreadable input"
    title = f"replayer {report.command}: {verdict}"
    body = [
        f'<header class="{"good" if report.status == 0 else "bad"}"><h1>{escape(title)}</h1>',
        *(f"<p>{escape(line)}</p>" for line in report.summary),
        "</header><main>",
        _totals(report),
    ]
    for heading, statuses in _SECTIONS:
        found = [result for result in report.results if result.status in statuses]
        if found:
            body.append(f"<section><h2>{heading} <small>{len(found)}</small></h2>")
            body += [_result(result, " open" if number < _OPEN else "") for number, result in enumerate(found)]
            body.append("</section>")
    body += _timelines(report.timelines)
    body.append(_held([result for result in report.results if result.status is Status.HELD]))
    body.append(f"</main><footer>replayer {escape(__version__)}</footer>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _totals(report: Report) -> str:
    told = "".join(
        f"<div><dt>{escape(total.name)}</dt><dd>{total.number:,}</dd></div>" for total in report.totals if total.number
    )
    return f'<dl class="totals">{told}</dl>' if told else ""


def _result(result: Result, attribute: str) -> str:
    grave = result.severity or result.status
    head = f'<span class="tag {grave}">{escape(str(grave))}</span> <code>{escape(result.name)}</code>'
    if result.count > 1:
        head += f' <span class="count">{result.count:,} times</span>'
    below = "".join(f"<p>{escape(line)}</p>" for line in result.why.splitlines())
    if result.places:
        more = ", …" if result.count > len(result.places) else ""
        below += f'<p class="places">{escape(", ".join(result.places))}{more}</p>'
    if result.rule:
        below += f'<p class="rule">by {escape(result.rule)}</p>'
    if result.excerpt:
        below += _excerpt(result.excerpt, "mark")
    if result.sides:
        below += _sides(result.sides)
    return f"<details{attribute}><summary>{head}</summary>{below}</details>"


def _excerpt(excerpt: Excerpt, marked: str) -> str:
    lines = (
        f'<span class="{marked}">{escape(line)}</span>' if number in excerpt.marked else f"<span>{escape(line)}</span>"
        for number, line in enumerate(excerpt.lines)
    )
    return f"<pre>{''.join(lines)}</pre>"


def _sides(sides: Sides) -> str:
    return (
        '<div class="sides">'
        f"<figure><figcaption>{escape(sides.old_title)}</figcaption>{_excerpt(sides.old, 'gone')}</figure>"
        f"<figure><figcaption>{escape(sides.new_title)}</figcaption>{_excerpt(sides.new, 'came')}</figure></div>"
    )


def _timelines(timelines: Sequence[Timeline]) -> Iterable[str]:
    if not timelines:
        return
    yield f"<section><h2>Connections <small>{len(timelines)}</small></h2>"
    for number, timeline in enumerate(timelines):
        attribute = " open" if number == 0 else ""
        wrong = sum(moment.severity is not None for moment in timeline.moments)
        told = f' <span class="tag error">{wrong} wrong</span>' if wrong else ""
        yield (
            f"<details{attribute}><summary><code>{escape(timeline.title)}</code> "
            f'<span class="count">{len(timeline.moments) + timeline.left_out:,} frames</span>{told}</summary>'
        )
        yield _strip(timeline.moments)
        yield '<table class="frames"><thead><tr><th>ms</th><th>client</th><th>server</th></tr></thead><tbody>'
        yield from map(_row, timeline.moments)
        yield "</tbody></table>"
        if timeline.left_out:
            yield f"<p>{timeline.left_out:,} more frames</p>"
        yield "</details>"
    yield "</section>"


def _strip(moments: Sequence[Moment]) -> str:
    """All frames on one line of time: the client's above, the server's below."""
    end = max((moment.at for moment in moments), default=0) or 1
    ticks = "".join(
        f'<rect class="{escape(str(moment.severity or moment.sender))}" x="{6 + 988 * max(0.0, moment.at) / end:.1f}" '
        f'y="{4 if moment.sender == "client" else 22}" width="2" height="14"/>'
        for moment in moments
    )
    return (
        '<svg class="strip" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label="frames over time">'
        f'<line x1="6" y1="20" x2="994" y2="20"/>{ticks}</svg>'
    )


def _row(moment: Moment) -> str:
    grave = f' class="{escape(str(moment.severity))}"' if moment.severity else ""
    kind = "" if moment.kind == "text" else f"<b>{escape(moment.kind)}</b> "
    said = f"<td><code>{kind}{escape(moment.text)}</code></td>"
    cells = f"{said}<td></td>" if moment.sender == "client" else f"<td></td>{said}"
    return f"<tr{grave}><td>{moment.at:,.1f}</td>{cells}</tr>"


def _held(results: Sequence[Result]) -> str:
    if not results:
        return ""
    names = "".join(f"<li><code>{escape(result.name)}</code></li>" for result in results)
    return (
        f"<section><details><summary>Held <small>{len(results)}</small></summary><ul>{names}</ul></details></section>"
    )
