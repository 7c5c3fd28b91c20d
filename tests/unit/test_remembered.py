"""What is remembered is what would be computed, and nothing is computed twice."""

from netlab.remembered import remembered, remembered_by, remembered_each


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


def test_of_many_only_those_are_computed_that_are_new():
    function, calls = counting(lambda one, *others: (one, others))
    kept = remembered_each(function)
    names, part = [["a"], ["b"], ["c"]], ["x"]
    before = kept((name, part) for name in names)
    calls.clear()
    after = kept([(names[2], part), (names[1], part, part), (["d"], part)])
    assert after == [(["c"], (part,)), (["b"], (part, part)), (["d"], (part,))]
    assert after[0] is before[2]
    assert len(calls) == 2
    assert kept([]) == []


def test_who_is_gone_is_not_taken_for_somebody_else():
    kept = remembered_each(list)
    assert kept([([number],) for number in range(100)]) == [[number] for number in range(100)]
    assert kept([([number],) for number in range(100, 200)]) == [[number] for number in range(100, 200)]
