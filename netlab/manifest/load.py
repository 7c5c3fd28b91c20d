"""From files to objects: the door of this room. All problems of all files are found before any is reported.

What only the API server may set (`status`, `metadata.uid`, `resourceVersion`, ...) is accepted and dropped, as kubectl and the
API server do together, so that `netlab get -o yaml | netlab apply -f -` works. Everything else is honoured or refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypeVar

from netlab.errors import ManifestError, Problem
from netlab.manifest.reader import Document, read
from netlab.manifest.tree import MAX_BYTES
from netlab.manifest.validate import CLUSTER_SCOPED, field_problems
from netlab.model.codec import FieldProblem, draft_object
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import Key
from netlab.model.wire import Plain
from netlab.model.words import LONGEST_SHOWN, shown

STDIN = "-"
SUFFIXES = (".yaml", ".yml", ".json")
DEFAULT_NAMESPACE = "default"
NO_OBJECTS = "an object begins with apiVersion and kind"
NOT_UTF_8 = "save it as UTF-8"
# What to do about a field, where the fault itself does not say it; {fields} is what `netlab explain` calls those around it.
CURES = {"unknown field": "`netlab explain {fields}` lists the fields", "not supported by netlab yet": "leave it out"}
SERVER_SET = frozenset(
    {
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
        "resourceVersion", "selfLink", "uid",
    }
)  # fmt: skip
T = TypeVar("T", bound=KubernetesObject | Lab)


def load(
    paths: Sequence[str], default_namespace: str | None = None, stdin: TextIO | None = None
) -> list[KubernetesObject | Lab]:
    """Return the objects of files, of the manifests in directories, and of `-` (standard input), in that order.

    Args:
        paths: files, directories (their *.yaml, *.yml and *.json, sorted, not those further down), or `-`.
        default_namespace: the namespace asked for (`-n`): it is given to objects that name none, and objects of another one are
            refused, as kubectl does. None if nothing was asked for: then it is `default`, and every object keeps its own.
        stdin: what `-` reads; the process's own by default.

    Raises:
        ManifestError: something is wrong; it holds every problem of every file, sorted by file and line.
    """
    loading = _Loading(default_namespace)
    for path in paths:
        loading.read_path(path, stdin)
    if not loading.objects and not loading.problems:
        loading.add(
            Problem(
                file=", ".join(map(_called, paths)) or "stdin",
                line=0,
                object="",
                path="",
                message="holds no objects",
                hint=NO_OBJECTS,
            )
        )
    if loading.problems:
        raise ManifestError(tuple(sorted(set(loading.problems))))
    return loading.objects


def checked(plain: Plain) -> KubernetesObject:
    """Return the object that plain data (in Kubernetes' shape) means, checked as if it had stood in a manifest.

    Raises:
        ManifestError: with every problem; there is no file and no line to name.
    """
    found: list[FieldProblem] = []
    draft = draft_object(_without_server_set(plain), found)
    if draft is not None:
        found.extend(_apart_from(found, tuple(field_problems(draft))))
    if draft is None or isinstance(draft, Lab) or found:
        subject = _subject(plain)
        raise ManifestError(
            tuple(
                Problem(file="", line=0, object=subject, path=path, message=message, hint=hint)
                for path, message, hint in _with_cures(plain, found)
            )
        )
    return draft


class _Loading:
    """What was found so far."""

    def __init__(self, asked: str | None) -> None:
        self.objects: list[KubernetesObject | Lab] = []
        self.problems: list[Problem] = []
        self._asked = asked
        self._seen: dict[Key, str] = {}

    def add(self, problem: Problem) -> None:
        self.problems.append(problem)

    def read_path(self, path: str, stdin: TextIO | None) -> None:
        """Read a file, a directory or standard input."""
        file = _called(path)
        try:
            if path == STDIN:
                source = stdin or sys.stdin
                self._read_text(source.read(MAX_BYTES + 1), file)
            elif path and Path(path).is_dir():
                self._read_directory(Path(path))
            else:
                self._read_file(path)
        except OSError as error:
            self._file_problem(file, error.strerror or "cannot be read")
        except UnicodeDecodeError as error:
            self._file_problem(file, f"is not UTF-8 (byte {error.start} is 0x{error.object[error.start]:02x})", NOT_UTF_8)
        except UnicodeEncodeError:
            self._file_problem(file, "is not UTF-8", NOT_UTF_8)
        except ValueError:
            self._file_problem(file, "is not a file name")

    def _file_problem(self, file: str, message: str, hint: str = "") -> None:
        self.add(Problem(file=file, line=0, object="", path="", message=message, hint=hint))

    def _read_directory(self, directory: Path) -> None:
        found = sorted(path for path in directory.iterdir() if path.suffix in SUFFIXES and not path.is_dir())
        if not found:
            self._file_problem(_called(str(directory)), f"holds no {', '.join('*' + suffix for suffix in SUFFIXES)}")
        for path in found:
            self.read_path(str(path), None)

    def _read_file(self, path: str) -> None:
        if not path:
            raise ValueError
        with Path(path).open("rb") as file:
            self._read_text(file.read(MAX_BYTES + 1).decode("utf-8"), _called(path))

    def _read_text(self, text: str, file: str) -> None:
        if len(text) > MAX_BYTES:
            self._file_problem(file, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
            return
        text.encode()  # standard input may hold surrogates, which are no characters
        documents, findings = read(text.removeprefix("\ufeff"))
        for finding in findings:
            self.add(
                Problem(file=file, line=finding.line, object="", path=finding.path, message=finding.message, hint=finding.hint)
            )
        for document in documents:
            self._take(document, file)

    def _take(self, document: Document, file: str) -> None:
        """Make an object of a document, or problems."""
        found: list[FieldProblem] = []
        draft = draft_object(_without_server_set(document.plain), found)
        subject = _subject(document.plain)
        for finding in document.findings:
            self.add(
                Problem(
                    file=file, line=finding.line, object=subject, path=finding.path, message=finding.message, hint=finding.hint
                )
            )
        if draft is not None:
            found.extend(_apart_from(found, (*field_problems(draft), *self._namespace_problems(draft))))
            if draft.metadata.name:
                draft = self._in_namespace(draft)
                found.extend(self._repeated(draft, f"{file}:{document.line('')}"))
        for path, message, hint in _with_cures(document.plain, found):
            self.add(Problem(file=file, line=document.line(path), object=subject, path=path, message=message, hint=hint))
        if draft is not None and not found and not document.findings:
            self.objects.append(draft)

    def _namespace_problems(self, item: KubernetesObject | Lab) -> Iterator[FieldProblem]:
        own = item.metadata.namespace
        if own and self._asked not in (None, own) and not isinstance(item, CLUSTER_SCOPED):
            yield "metadata.namespace", f"is {shown(own)}, which is not the namespace asked for", f"-n {self._asked}"

    def _in_namespace(self, item: T) -> T:
        if item.metadata.namespace or isinstance(item, CLUSTER_SCOPED):
            return item
        # mypy cannot see that every member of the union has `metadata`.
        return replace(item, metadata=replace(item.metadata, namespace=self._asked or DEFAULT_NAMESPACE))

    def _repeated(self, item: KubernetesObject | Lab, where: str) -> Iterator[FieldProblem]:
        earlier = self._seen.setdefault(item.key, where)
        if earlier is not where:
            yield (
                "metadata.name",
                f"the same {item.kind} is already in {earlier}",
                "leave one of them out, or give it another name",
            )


def _called(path: str) -> str:
    """What problems call a file: its name, with what could move a terminal's cursor escaped."""
    return "stdin" if path == STDIN else path if path and path.isprintable() else shown(path)


def _with_cures(plain: Any, found: list[FieldProblem]) -> Iterator[FieldProblem]:
    """Yield the problems, each with what to do about it if it does not say so by itself."""
    for path, message, hint in found:
        around = path[: path.find('["')] if path.endswith('"]') else path.rpartition(".")[0]
        fields = ".".join([str(plain["kind"]).lower(), *re.findall(r"[A-Za-z]+", around)]) if message in CURES else ""
        yield path, message, hint or CURES.get(message, "").format(fields=fields)


def _apart_from(known: list[FieldProblem], further: tuple[FieldProblem, ...]) -> Iterator[FieldProblem]:
    """Yield the further problems that do not follow from a known one, at the same field, around it or inside it."""
    at_fault = {path for path, _, _ in known}
    around = {part for path in at_fault for part in _around(path)}
    for problem in further:
        if problem[0] not in around and at_fault.isdisjoint(_around(problem[0])):
            yield problem


def _around(path: str) -> Iterator[str]:
    """Yield a path and those of the fields around it."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]


def _without_server_set(plain: Any) -> Any:
    """Leave out what users cannot set."""
    if not isinstance(plain, dict):
        return plain
    plain = {key: value for key, value in plain.items() if key != "status"}
    meta = plain.get("metadata")
    if isinstance(meta, dict):
        plain["metadata"] = {key: value for key, value in meta.items() if key not in SERVER_SET}
    return plain


def _subject(plain: Any) -> str:
    """Return `service/web` of whatever was written, as far as it can be shown."""
    if not isinstance(plain, dict) or not isinstance(plain.get("kind"), str):
        return ""
    meta = plain.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    parts = [plain["kind"].lower(), *([name] if isinstance(name, str) else [])]
    return "/".join(part if part.isprintable() and len(part) <= LONGEST_SHOWN else shown(part) for part in parts if part)
