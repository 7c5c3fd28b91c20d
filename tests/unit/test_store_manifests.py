"""A set that is applied again: told from what is kept of it, as long as nobody changed what came of it; else merged as ever."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from netlab.engine.apply import apply, delete
from netlab.manifest.load import load_written
from netlab.model.meta import Key
from netlab.store.manifests import as_applied, manifests
from netlab.store.origins import origins
from netlab.store.store import Store

SET = """
apiVersion: v1
kind: Service
metadata: {name: web, labels: {tier: front}}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {one: "1"}
"""
WEB, WORDS = Key("Service", "default", "web"), Key("ConfigMap", "default", "words")


def given(bench, text=SET, **options):
    written = load_written(["-"], stdin=io.StringIO(text))
    found = apply(bench.session, written, only_verdicts=True, **options)
    return {done.key.name: done.verdict for done in found}


@pytest.fixture
def read(monkeypatch):
    """How often all objects were asked for."""
    calls, cluster = [], Store.cluster
    monkeypatch.setattr(Store, "cluster", lambda self, *args: calls.append(1) or cluster(self, *args))
    return calls


def label(bench, **labels):
    item = bench.session.store.cluster().objects[WEB]
    apply(bench.session, [replace(item, metadata=replace(item.metadata, labels={**item.metadata.labels, **labels}))])


@pytest.mark.parametrize(
    ("between", "text", "verdicts", "is_known"),
    [
        pytest.param(lambda _: None, SET, "unchanged unchanged", True, id="the same"),
        pytest.param(lambda bench: bench.after(), SET, "unchanged unchanged", True, id="the same, when all follows from it"),
        pytest.param(lambda _: None, SET.replace("one: ", "'one':   "), "unchanged unchanged", True, id="written otherwise"),
        pytest.param(lambda _: None, SET.replace("80", "81"), "configured unchanged", False, id="another wish"),
        pytest.param(lambda bench: label(bench, tier="back"), SET, "configured unchanged", False, id="changed by others"),
        pytest.param(lambda bench: label(bench, more="yes"), SET, "unchanged unchanged", False, id="others said more"),
        pytest.param(lambda bench: delete(bench.session, [WORDS]), SET, "unchanged created", False, id="one was deleted"),
        pytest.param(lambda _: None, SET + "---" + SET.replace("web", "new").replace("words", "news"), None, False, id="more"),
    ],
)
def test_what_nobody_changed_is_not_read(bench, read, between, text, verdicts, is_known):  # noqa: PLR0917
    assert given(bench) == {"web": "created", "words": "created"}
    between(bench)
    read.clear()
    found = given(bench, text)
    assert bool(read) is not is_known
    if verdicts is not None:
        assert " ".join(found.values()) == verdicts
    assert set(given(bench, text).values()) == {"unchanged"}


def test_what_others_said_more_is_looked_at_once_and_kept(bench, read):
    given(bench)
    label(bench, more="yes")
    given(bench)
    read.clear()
    assert set(given(bench).values()) == {"unchanged"}
    assert not read
    assert bench.session.store.cluster().objects[WEB].metadata.labels == {"tier": "front", "more": "yes"}


@pytest.mark.parametrize("options", [{"dry_run": True}, {"filled": True}, {"only_verdicts": False}])
def test_who_asks_for_objects_gets_those_of_the_lab(bench, options):
    given(bench)
    written = load_written(["-"], stdin=io.StringIO(SET))
    found = apply(bench.session, written, **({"only_verdicts": not options.get("filled")} | options))
    assert [bool(done.item.metadata.uid) for done in found] == [True, True]


def test_manifests_go_with_their_objects_and_a_new_place_is_noted(bench):
    given(bench)
    store = bench.session.store
    uids = {key: item.metadata.uid for key, item in store.cluster().objects.items() if key in {WEB, WORDS}}
    assert manifests(store).keys() == set(uids.values())
    given(bench, "\n\n" + SET)
    assert {origins(store)[uid].line for uid in uids.values()} == {4, 9}
    delete(bench.session, [WORDS])
    assert manifests(store).keys() == {uids[WEB]}
    assert as_applied(store, [(WORDS, "{}")]) is None
    assert as_applied(store, []) == []
