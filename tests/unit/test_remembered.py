"""What is remembered is what would be computed, and nothing is computed twice."""

import random
from typing import NamedTuple

import pytest

from netlab.remembered import (
    PORTION,
    remembered,
    remembered_by,
    remembered_columns,
    remembered_each,
    remembered_groups,
    remembered_order,
    remembered_portions,
    remembered_unions,
)


def counting(function):
    calls = []

    def counted(*args):
        calls.append(args)
        return function(*args)

    return counted, calls


def test_the_same_objects_give_the_same_result_and_equal_ones_are_others():
    function, calls = counting(lambda one, two: [*one, *two])
    kept = remembered(function)
    first, second = [1], [2]
    found = kept(first, second)
    assert kept(first, second) is found
    assert kept([1], second) == found
    assert kept([1], second) is not found
    assert len(calls) == 4 - 1


def test_only_the_last_result_is_kept():
    function, calls = counting(list)
    kept = remembered(function)
    one, two = (1,), (2,)
    assert [kept(one), kept(two), kept(one), kept(one)] == [[1], [2], [1], [1]]
    assert len(calls) == 3


def test_who_asks_again_with_what_he_got_is_told_the_same():
    """A choice that is made whole: with it as the earlier one nothing is missing."""
    function, calls = counting(lambda wishes, earlier: {**dict.fromkeys(wishes, 1), **earlier})
    chosen = remembered_by(lambda wishes, earlier: (wishes, earlier), settled=lambda wishes, _, found: (wishes, found))(
        function
    )
    wishes, nothing = ("a", "b"), {}
    found = chosen(wishes, nothing)
    assert chosen(wishes, found) is found
    assert chosen(wishes, nothing) is found
    assert len(calls) == 1
    assert chosen(("a",), found) == found
    assert len(calls) == 2


def test_who_asks_while_another_one_is_answered_gets_his_own():
    """Two threads, a lab each."""
    meanwhile = []

    def settled(wishes, found):
        if found == [2]:
            meanwhile.append(kept(first))
        return wishes, found

    first, second = (1,), (2,)
    kept = remembered_by(lambda wishes: (wishes,), settled=settled)(list)
    assert [kept(first), kept(second), kept(first)] == [[1], [2], [1]]
    assert meanwhile == [[1]]


def test_of_many_only_those_are_computed_that_are_new():
    function, calls = counting(lambda one, *others: (one, others))
    kept = remembered_each(function)
    names, part = [["a"], ["b"], ["c"]], ["x"]
    before = kept((name, part) for name in names)
    calls.clear()
    after = kept([(names[2], part), (names[1], part, part), (["d"], part)])
    assert after == ((["c"], (part,)), (["b"], (part, part)), (["d"], (part,)))
    assert after[0] is before[2]
    assert len(calls) == 2
    assert kept([]) == ()


@pytest.mark.parametrize("places", [[], [0], [4], [9], [3, 4], [0, 5, 9]])
def test_of_as_many_calls_only_those_in_other_places_are_computed(places):
    function, calls = counting(lambda one, *others: (one, *others))
    kept = remembered_each(function)
    rows = [tuple([number, place] for place in range(1 + number % 3)) for number in range(10)]
    before = kept(rows)
    calls.clear()
    changed = [(["new"], *row[1:]) if number in places else row for number, row in enumerate(rows)]
    after = kept(changed)
    assert after == tuple(changed)
    assert sorted(calls) == sorted(changed[place] for place in places)
    assert [number for number in range(10) if after[number] is not before[number]] == places
    assert (after is before) is (not places)


def test_the_results_of_the_same_calls_are_the_same_tuple():
    kept = remembered_each(list)
    rows = [([number],) for number in range(3)]
    assert kept(rows) is kept(list(rows))


class Item(NamedTuple):
    group: str
    number: int


@pytest.mark.parametrize(
    ("after", "anew"),
    [
        pytest.param(["a1", "b2", "a3"], "", id="the same"),
        pytest.param(["a1", "b4", "a3"], "b", id="another one of the same group"),
        pytest.param(["a5", "b2", "a4"], "a", id="all of a group"),
        pytest.param(["b1", "b2", "a3"], "ab", id="from one group to another"),
        pytest.param(["a1", "b2"], "ab", id="one less"),
        pytest.param(["a1", "c6", "b2", "a3"], "abc", id="one more"),
        pytest.param([], "", id="none"),
    ],
)
def test_groups_are_those_of_the_items_and_the_same_ones_where_nothing_has_changed(after, anew):
    @remembered_groups
    def grouped(item):
        return item.group

    known = {}
    some, others = (
        tuple(known.setdefault(word, Item(word[0], int(word[1]))) for word in row) for row in (["a1", "b2", "a3"], after)
    )
    before, found = ({name: made.get(name) for name in made.numbers} for made in (grouped(some), grouped(others)))
    assert found == {
        name: tuple(item for item in others if item.group == name) for name in dict.fromkeys(word[0] for word in after)
    }
    assert {name for name, group in found.items() if before.get(name) is not group} == set(anew) & set(found)
    assert before == {"a": (some[0], some[2]), "b": (some[1],)}


def test_who_is_gone_is_not_taken_for_somebody_else():
    kept = remembered_each(list)
    assert kept([([number],) for number in range(100)]) == tuple([number] for number in range(100))
    assert kept([([number],) for number in range(100, 200)]) == tuple([number] for number in range(100, 200))


def test_whoever_is_in_no_group_has_an_empty_one_and_keys_without_news_have_the_same_numbers():
    @remembered_groups
    def grouped(item):
        return item.group

    some = [Item("a", 1), Item("b", 2)]
    before = grouped(some)
    after = grouped([some[0], Item("b", 3)])
    assert before.get("c") == after.get("c") == ()
    assert before.numbers is after.numbers
    assert grouped(some[:1]).numbers is not before.numbers


def test_a_column_is_as_good_as_an_argument_of_each_call():
    function, calls = counting(lambda one, other: (one, other))
    kept = remembered_columns(function)
    names, parts = tuple([number] for number in range(5)), tuple([-number] for number in range(5))
    before = kept(names, parts)
    calls.clear()
    assert kept(list(names), parts) is before
    assert kept(names, (*parts[:3], ["x"], parts[4])) == (*before[:3], ([3], ["x"]), before[4])
    assert len(calls) == 1
    assert kept(names[1:], parts[1:]) == before[1:]
    assert len(calls) == 1 + 1  # the one with x is another one again
    assert kept((), ()) == ()


@pytest.mark.parametrize(
    ("places", "anew"),
    [
        pytest.param([], [], id="the same"),
        pytest.param([0, PORTION - 1], [0], id="two of a portion"),
        pytest.param([2 * PORTION], [2], id="the last one"),
        pytest.param([1, PORTION], [0, 1], id="two portions"),
    ],
)
def test_what_was_made_of_portions_without_news_is_kept(places, anew):
    function, calls = counting(lambda items: [sum(item) for item in items])
    kept = remembered_portions(function)
    items = tuple([number] for number in range(2 * PORTION + 1))
    before = kept(items)
    assert [number for part in before for number in part] == list(range(2 * PORTION + 1))
    calls.clear()
    after = kept(tuple([-1] if number in places else item for number, item in enumerate(items)))
    assert [number for part in after for number in part] == [-1 if number in places else number for number in range(len(items))]
    assert [number for number in range(3) if after[number] is not before[number]] == anew
    assert len(calls) == len(anew)
    assert kept(items[1:]) == (list(range(1, PORTION + 1)), list(range(PORTION + 1, 2 * PORTION + 1)))


@pytest.mark.parametrize(
    ("after", "found"),
    [
        pytest.param(["b1", "a2"], ["a2", "b1"], id="the same"),
        pytest.param(["b3", "a2"], ["a2", "b3"], id="another one with the same key"),
        pytest.param(["b1", "c2"], ["b1", "c2"], id="another key"),
        pytest.param(["b1", "a2", "b3"], ["a2", "b3"], id="of two with one key the last"),
        pytest.param([], [], id="none"),
    ],
)
def test_items_are_in_the_order_of_their_keys(after, found):
    ordered = remembered_order(lambda item: item.group)
    for words, wanted in ((["b1", "a2"], ["a2", "b1"]), (after, found)):
        assert [f"{item.group}{item.number}" for item in ordered([Item(word[0], int(word[1])) for word in words])] == wanted


def test_unions_are_those_of_all_parts_whatever_came_and_went():
    chance = random.Random(7)

    def part():
        return {
            name: frozenset(chance.sample(range(30), chance.randint(0, 3)))
            for name in chance.sample("abc", chance.randint(0, 2))
        }

    union, parts = remembered_unions(), [part() for _ in range(4 * PORTION)]
    before = union(tuple(parts))
    for step in range(60):
        parts = list(parts)
        for _ in range(chance.choice([0, 1, 1, 2])):
            parts[chance.randrange(len(parts))] = part()
        if step % 20 == 0:
            parts = [{}] * len(parts) if step == 40 else parts[1:]
        found = union(tuple(parts))
        names = {name for one in parts for name in one}
        assert found == {name: frozenset().union(*(one.get(name, ()) for one in parts)) for name in names}
        assert all(found[name] is before[name] for name in names & before.keys() if found[name] == before[name])
        before = found
