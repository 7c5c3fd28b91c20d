"""Amounts and their writing, and what a Pod asks for in all. Source of the rows: the API's own rules, worked out by hand."""

from fractions import Fraction

import pytest

from netlab.desired.cgroup_limits import POD_PIDS, container_limits, pod_cgroup_limits
from netlab.model.codec import decode, encode
from netlab.model.container import Container
from netlab.model.pod import PodSpec
from netlab.model.quantity import Quantity, parse_quantity, quantity_value
from netlab.model.resources import ResourceRequirements, added, amounts, pod_limits, pod_requests, qos_class
from netlab.netstate.cgroup import CgroupLimits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("100m", Fraction(1, 10)), ("1.5", Fraction(3, 2)), (".5", Fraction(1, 2)), ("5.", 5), ("-2k", -2000), ("2Ki", 2048),
        ("1E", 10**18), ("1E3", 1000), ("1e-3", Fraction(1, 1000)), ("1Ei", 2**60), ("3n", Fraction(3, 10**9)), ("7u", Fraction(7, 10**6)),
        ("", None), (".", None), ("m", None), ("1_", None), ("1K", None), ("1kk", None), ("1e999999999", None), ("9" * 41, None), ("1 ", None),
    ],
)  # fmt: skip
def test_a_quantity_has_a_value(text, value):
    assert quantity_value(text) == value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("0.5", "500m", id="no fraction is left"),
        pytest.param("1000m", "1", id="thousandths that make one"),
        pytest.param("1024Mi", "1Gi", id="the largest unit of 1024"),
        pytest.param("1.5Gi", "1536Mi", id="the largest unit that needs no fraction"),
        pytest.param("0.5Ki", "512", id="less than 1024 is written without a unit"),
        pytest.param("1024", "1024", id="a number without a unit has powers of 1000"),
        pytest.param("2000000", "2M", id="the largest unit of 1000"),
        pytest.param("1e3", "1k", id="an exponent"),
        pytest.param("0.1n", "1n", id="what is finer than a billionth is rounded up"),
        pytest.param("-0.1n", "-1n", id="away from zero"),
        pytest.param("0Gi", "0", id="zero"),
        pytest.param("9223372036854775807", "9223372036854775807", id="the largest"),
    ],
)
def test_an_amount_has_one_writing(text, canonical):
    assert str(parse_quantity(text)) == canonical


def test_more_than_64_bits_is_no_amount():
    assert parse_quantity("9223372036854775808") is None
    assert parse_quantity("1e99") is None


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [("100m", "0.9", "1"), ("1Gi", "512Mi", "1536Mi"), ("0", "1Gi", "1Gi"), ("1k", "1Ki", "2024"), ("1Ki", "24", "1048")],
)
def test_amounts_are_added_exactly(one, other, total):
    assert str(parse_quantity(one) + parse_quantity(other)) == total


def test_whole_units_are_rounded_up():
    assert Quantity(1).units == Quantity(1).thousandths == 1
    assert parse_quantity("1.5").units == 2
    assert parse_quantity("1.5").thousandths == 1500


def requirements(limits, requests):
    return ResourceRequirements(limits=_written(limits), requests=_written(requests))


def _written(words):
    """`1 64Mi`: cpu and memory; `- 64Mi`: memory alone."""
    return {name: word for name, word in zip(("cpu", "memory"), words.split(), strict=False) if word != "-"}


def container(name, limits="", requests="", **fields):
    return Container(name=name, image="host", resources=requirements(limits, requests), **fields)


def sidecar(name, limits="", requests=""):
    return container(name, limits, requests, restart_policy="Always")


@pytest.mark.parametrize(
    ("init", "main", "total"),
    [
        pytest.param([], [container("a", requests="100m 1Mi"), container("b", requests="100m")], "200m 1Mi", id="a sum"),
        pytest.param([container("i", requests="1")], [container("a", requests="100m 1Mi")], "1 1Mi", id="a larger init container"),
        pytest.param(
            [container("i", requests="1"), container("j", requests="2")], [container("a")], "2", id="init containers take turns"
        ),
        pytest.param([sidecar("s", requests="1")], [container("a", requests="1")], "2", id="a sidecar stays"),
        pytest.param(
            [sidecar("s", requests="1"), container("i", requests="3")], [container("a", requests="1")], "4",
            id="a sidecar runs beside the init containers after it",
        ),
        pytest.param(
            [container("i", requests="3"), sidecar("s", requests="1")], [container("a", requests="1")], "3",
            id="and not beside those before it",
        ),
        pytest.param([], [container("a", limits="1 1Gi", requests="100m")], "100m 1Gi", id="a limit is a request by default"),
    ],
)  # fmt: skip
def test_what_a_pod_asks_for(init, main, total):
    spec = PodSpec(init_containers=tuple(init), containers=tuple(main))
    assert {name: str(amount) for name, amount in pod_requests(spec).items()} == _written(total)


def test_limits_of_a_pod_are_those_of_its_limited_containers():
    spec = PodSpec(containers=(container("a", limits="1"), container("b", limits="- 1Gi"), container("c")))
    assert {name: str(amount) for name, amount in pod_limits(spec).items()} == {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("containers", "word"),
    [
        pytest.param([container("a")], "BestEffort", id="nothing is said"),
        pytest.param([container("a", limits="0 0")], "BestEffort", id="nothing is asked for"),
        pytest.param([container("a", limits="1 1Gi")], "Guaranteed", id="limits for both, which are the requests too"),
        pytest.param([container("a", limits="1 1Gi", requests="1000m 1024Mi")], "Guaranteed", id="the same amounts"),
        pytest.param([container("a", limits="1 1Gi", requests="500m")], "Burstable", id="a smaller request"),
        pytest.param([container("a", limits="1")], "Burstable", id="no limit for memory"),
        pytest.param([container("a", requests="1 1Gi")], "Burstable", id="requests without limits"),
        pytest.param([container("a", limits="1 1Gi"), container("b")], "Burstable", id="one container without"),
    ],
)
def test_class_of_quality_of_service(containers, word):
    assert qos_class(PodSpec(containers=tuple(containers))) == word


def test_an_init_container_counts_for_the_class():
    spec = PodSpec(init_containers=(container("i"),), containers=(container("a", limits="1 1Gi"),))
    assert qos_class(spec) == "Burstable"


def test_numbers_are_amounts_and_every_amount_is_kept_in_its_one_form():
    problems = []
    found = decode(ResourceRequirements, {"limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {"cpu": 0}}, problems)
    assert problems == []
    assert encode(found) == {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "0", "memory": "1Gi"}}


@pytest.mark.parametrize("value", [True, None, [], {}, "1x", -1, float("inf"), "1e99"])
def test_what_is_no_amount_is_refused(value):
    problems = []
    decode(ResourceRequirements, {"limits": {"cpu": value}}, problems)
    assert [path for path, _, _ in problems] == ["limits.cpu"]


@pytest.mark.parametrize(
    ("limits", "requests", "cgroup"),
    [
        pytest.param("", "", CgroupLimits(), id="nothing is asked for: the least share"),
        pytest.param("", "250m", CgroupLimits(cpu_shares=256), id="a quarter of a processor"),
        pytest.param("", "1m", CgroupLimits(cpu_shares=2), id="no less than two shares"),
        pytest.param("", "1k", CgroupLimits(cpu_shares=262144), id="no more than the kernel takes"),
        pytest.param("1500m", "", CgroupLimits(cpu_shares=1536, cpu_quota_us=150000), id="a limit is a request too"),
        pytest.param("1m", "0", CgroupLimits(cpu_quota_us=1000), id="no less than a millisecond"),
        pytest.param("- 1.5Ki", "", CgroupLimits(memory_bytes=1536), id="memory in bytes"),
    ],
)
def test_a_container_in_the_words_of_cgroups(limits, requests, cgroup):
    assert container_limits(requirements(limits, requests)) == cgroup


def test_a_pod_has_the_shares_of_its_containers_together_and_a_number_of_processes():
    spec = PodSpec(containers=(container("a", requests="250m"), container("b", requests="250m")))
    assert pod_cgroup_limits(spec) == CgroupLimits(cpu_shares=512, pids=POD_PIDS)


def test_nothing_adds_up_to_nothing():
    assert added([]) == {}
    assert amounts({"cpu": "?"}) == {}


@pytest.mark.parametrize("unit", ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
@pytest.mark.parametrize("number", [0, 1, 999, 1024, 10**6, 2**63 - 1, 2**63, 10**20])
def test_a_whole_number_is_what_it_is_in_decimals(number, unit):
    assert parse_quantity(f"{number}{unit}") == parse_quantity(f"{number}.0{unit}")
