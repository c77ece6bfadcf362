"""What was played, told as the recorder tells of what is new: a line an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from replayer.cassette.model import FrameKind, Interaction
from replayer.journal import Entry, Outcome
from replayer.record.messages import Exchanged
from replayer.run import Run

__all__ = ["telling_known"]


def telling_known(run: Run, hear: Callable[[Exchanged], None]) -> Callable[[Entry], None]:
    """For each entry of the journal that a recorded interaction has answered, `hear` gets what the exchange was."""
    recorded: Mapping[str, Interaction] = {}

    def heard(entry: Entry) -> None:
        nonlocal recorded
        if entry.outcome is not Outcome.HIT or entry.interaction is None:
            return
        if entry.interaction not in recorded:  # one more was recorded, and is played already
            recorded = run.recorded()
        interaction = recorded.get(entry.interaction)
        if interaction is not None:
            hear(_told(entry, interaction, run.shown(interaction.request.uri)))

    return heard


def _told(entry: Entry, interaction: Interaction, uri: str) -> Exchanged:
    response = interaction.response
    said = [frame for frame in response.frames or () if frame.kind is not FrameKind.CLOSE]
    size = sum(len(frame.data) or len(frame.text.encode()) for frame in said)
    return Exchanged(
        upstream="",
        method=entry.method,
        uri=uri,
        status=response.status if entry.status is None else entry.status,
        ms=round(entry.duration_ms or 0.0, 1),
        bytes=size if response.frames is not None else len(response.body),
        frames=len(said),
        end=response.end,
        known=True,
    )
