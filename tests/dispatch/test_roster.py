from __future__ import annotations

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
