"""Chores: each in its own time, and an error in one keeps no other from being done."""

from sisimport.runtime.chores import Chore, ChoreThread


def test_each_chore_is_done_when_its_time_has_come() -> None:
    done: list[str] = []
    chores = [Chore("often", 5, lambda: done.append("often")), Chore("seldom", 60, lambda: done.append("seldom"))]
    thread = ChoreThread(chores, after=lambda: done.append("after"))

    assert thread.look(1) == ["often", "seldom"]
    assert thread.look(3) == []
    assert thread.look(7) == ["often"]
    assert thread.look(62) == ["often", "seldom"]
    assert done == ["often", "seldom", "after", "often", "after", "often", "seldom", "after"]


def test_a_chore_that_fails_keeps_no_other_from_being_done() -> None:
    done: list[str] = []

    def broken() -> None:
        raise RuntimeError

    thread = ChoreThread([Chore("broken", 5, broken), Chore("sound", 5, lambda: done.append("sound"))], after=list)

    thread.look(0)
    thread.look(10)
    assert done == ["sound", "sound"]


def test_a_thread_that_is_told_to_end_ends() -> None:
    thread = ChoreThread([], after=list, look_seconds=0.01)
    thread.start()
    thread.end()
    thread.join(10)
    assert not thread.is_alive()
