"""The score of `python -m tests.contract.mutations`: whatever is broken is found, or it is known why not."""

from __future__ import annotations

import pytest

from replayer.contract.registry import BASE
from tests.contract.examples import everything
from tests.contract.mutations import CONTRACT, EXPLAINED, NAMES, Score, exchanges, messages, streams


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_a_schema_is_valid_and_none_is_trivial(name: str) -> None:
    examples = list(everything(name))
    assert examples
    for made in examples:
        assert CONTRACT.against(BASE + name, made.value, where="e") == ()
        assert any(demand.types or demand.required or demand.known for demand in made.demands)


def test_each_mutation_of_each_schema_each_cassette_and_each_stream_is_found() -> None:
    scores: list[Score] = [messages(), exchanges(), streams()]
    assert [one for score in scores for one in score.unexplained] == []
    survivors = {survivor for score in scores for survivor in score.survivors}
    assert set(EXPLAINED) <= survivors, "explained, and found all the same"
    made = [score.made.total() for score in scores]
    assert all(count >= least for count, least in zip(made, (10_000, 500, 100), strict=True)), made
