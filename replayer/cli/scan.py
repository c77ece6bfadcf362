"""`replayer scan`: secrets that are in cassettes."""

from __future__ import annotations

from pathlib import Path

import click

from replayer.cli.redaction import redact_options, redactor_for

__all__ = ["command"]


@click.command("scan")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice(["secret", "suspicion", "none"]),
    default="secret",
    show_default=True,
    help="The least certain find that ends the run with 1.",
)
@click.option(
    "--report",
    "reports",
    metavar="text|json|junit[=FILE]",
    multiple=True,
    help="How to report, and into which file; may be given again.  [default: text]",
)
@redact_options
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    fail_on: str,
    reports: tuple[str, ...],
    redact: tuple[str, ...],
    keep: tuple[str, ...],
) -> None:
    """Find secrets in cassettes, whoever recorded them: what redaction would take out, and what is hidden deeper, in
    base64, percent-encoding, escapes or texts that go over several events.

    PATH is a cassette, or a directory that is searched for cassettes. The values of this environment's secret-looking
    variables are looked for, too; a report never shows a secret.

    Exit status: 0 none found; 1 a secret; 2 wrong use; 3 nothing was scanned; 4 an input could not be read.
    """
    from replayer.afterwards import scan_files
    from replayer.inputs import cassette_files
    from replayer.redact.scan import Certainty
    from replayer.report.scanned import report_of
    from replayer.report.target import deliver, parse

    targets = [parse(report) for report in reports]
    redactor = redactor_for(paths[0] / "x" if paths[0].is_dir() else paths[0], redact, keep)
    files = [(str(file), file) for path in paths for _, file in cassette_files(path)]
    report = report_of(scan_files(files, redactor), None if fail_on == "none" else Certainty(fail_on))
    deliver(report, targets, lambda text: click.echo(text, nl=False))
    context.exit(int(report.status))
