from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from replayer.dispatch.roster import Roster
from replayer.dispatch.worker import State, Worker


def worker(connection: int, capacity: int, config_id: str = "c") -> Worker:
    return Worker(
        connection=connection, worker_id=str(connection), config_id=config_id, capacity=capacity, state=State.ACTIVE
    )


def test_the_one_with_the_most_free_slots_is_next() -> None:
    roster = Roster()
    for made in (worker(1, 1), worker(2, 3), worker(3, 2)):
        roster.put(made)
    assert roster.most_free() == 2


def test_equal_workers_take_turns() -> None:
    roster = Roster()
    first, second = worker(1, 2), worker(2, 2)
    roster.put(first)
    roster.put(second)
    first.running["a"] = None
    roster.put(first)
    assert roster.most_free() == 2
    del first.running["a"]
    roster.put(first)
    assert roster.most_free() == 2


def test_a_configuration_has_its_own_workers() -> None:
    roster = Roster()
    roster.put(worker(1, 9, "large"))
    roster.put(worker(2, 1, "small"))
    assert (roster.most_free("large"), roster.most_free("small"), roster.most_free("none")) == (1, 2, None)
    assert [roster.serves(name) for name in ("large", "small", "none")] == [True, True, False]


def test_a_busy_worker_serves_its_configuration_and_has_no_slot() -> None:
    roster = Roster()
    busy = worker(1, 1)
    busy.running["a"] = None
    roster.put(busy)
    assert (roster.serves("c"), roster.most_free("c"), roster.most_free()) == (True, None, None)


def test_who_leaves_or_is_replaced_leaves_nothing_behind() -> None:
    roster = Roster()
    gone, replaced = worker(1, 1), worker(2, 1)
    roster.put(gone)
    roster.put(replaced)
    roster.remove(1)
    replaced.state = State.REPLACED
    roster.put(replaced)
    assert (roster.serves("c"), roster.most_free()) == (False, None)
    roster.remove(1)


def test_a_worker_may_change_its_configuration() -> None:
    roster = Roster()
    made = worker(1, 1, "old")
    roster.put(made)
    made.config_id = "new"
    roster.put(made)
    assert (roster.serves("old"), roster.most_free("old"), roster.most_free("new")) == (False, None, 1)


def test_who_has_less_than_no_slot_waits_until_one_is_free() -> None:
    roster = Roster()
    shrunk = worker(1, 1)
    shrunk.running |= {"a": None, "b": None}
    roster.put(shrunk)
    assert (roster.serves("c"), roster.most_free()) == (True, None)
    del shrunk.running["b"]
    roster.recount(shrunk)
    assert roster.most_free() is None
    del shrunk.running["a"]
    roster.recount(shrunk)
    assert (roster.most_free(), roster.most_free("c")) == (1, 1)


@given(st.lists(st.tuples(st.sampled_from(["put", "recount", "remove"]), st.integers(1, 4), st.integers(-1, 3))))
def test_the_next_is_always_the_one_that_the_rule_names(steps: list[tuple[str, int, int]]) -> None:
    roster = Roster()
    workers = {number: worker(number, 0, "ab"[number % 2]) for number in range(1, 5)}
    changed: dict[int, int] = {}
    for now, (step, number, capacity) in enumerate(steps):
        if step == "remove":
            roster.remove(number)
            changed.pop(number, None)
        elif step == "put" or number in changed:
            workers[number].capacity = capacity
            getattr(roster, step)(workers[number])
            changed[number] = now
        for wanted in (None, "a", "b"):
            free = [n for n in changed if workers[n].free > 0 and wanted in (None, workers[n].config_id)]
            best = min(free, key=lambda n: (-workers[n].free, changed[n]), default=None)
            assert roster.most_free(wanted) == best
        assert [roster.serves(name) for name in "ab"] == [any(n % 2 == odd for n in changed) for odd in (0, 1)]
