"""From files to objects: the door of this room. All problems of all files are found before any is reported.

An object is kept together with its fields as they were written: the object alone does not tell `replicas: 1` from nothing said,
and who merges it with what others set has to know (`merge`).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TextIO, TypeVar

from netlab.errors import ManifestError, Problem
from netlab.manifest.checked import apart_from, subject_of, with_cures, without_server_set
from netlab.manifest.plain import Beside, OddTextError, plain_documents
from netlab.manifest.reader import Document
from netlab.manifest.source import Source
from netlab.manifest.tree import MAX_BYTES
from netlab.manifest.validate import CLUSTER_SCOPED, field_problems
from netlab.model.codec import KINDS, FieldProblem, draft_object
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import Key
from netlab.model.wire import Plain
from netlab.model.words import shown

STDIN = "-"
SUFFIXES = (".yaml", ".yml", ".json")
DEFAULT_NAMESPACE = "default"
NO_OBJECTS = "an object begins with apiVersion and kind"
NOT_UTF_8 = "save it as UTF-8"
T = TypeVar("T", bound=KubernetesObject | Lab)
T_co = TypeVar("T_co", bound=KubernetesObject | Lab, covariant=True)


class Written(NamedTuple, Generic[T_co]):
    """An object, its fields as they were written, where they stand, and on which line they begin; 0 if that is not known.

    `text` are the same fields: one text whatever their order, by which manifests are kept and compared.
    """

    item: T_co
    plain: Plain
    text: str
    source: Source
    line: int = 0

    @property
    def file(self) -> str:
        """What problems call the file; `stdin` for standard input."""
        return self.source.name


def manifest_text(plain: Plain) -> str:
    """Return the fields of an object as one text, the same whatever their order."""
    return _TEXT.encode(plain)


_TEXT: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def load(
    paths: Sequence[str], default_namespace: str | None = None, stdin: TextIO | None = None
) -> list[KubernetesObject | Lab]:
    """Return the objects that `load_written` returns for the same arguments. Raises ManifestError as it does."""
    return [written.item for written in load_written(paths, default_namespace, stdin)]


def load_written(
    paths: Sequence[str], default_namespace: str | None = None, stdin: TextIO | None = None, beside: Beside | None = None
) -> list[Written[KubernetesObject | Lab]]:
    """Return the objects of files, of the manifests in directories, and of `-` (standard input), in that order.

    Args:
        paths: files, directories (their *.yaml, *.yml and *.json, sorted, not those further down), or `-`.
        default_namespace: the namespace asked for (`-n`): it is given to objects that name none, and objects of another one are
            refused, as kubectl does. None if nothing was asked for: then it is `default`, and every object keeps its own.
        stdin: what `-` reads; the process's own by default.
        beside: has long texts read by a process of their own, while objects are made of what is read; by default there is none.

    Raises:
        ManifestError: something is wrong; it holds every problem of every file, sorted by file and line.
    """
    loading = _Loading(default_namespace, beside)
    for path in paths:
        loading.read_path(path, stdin)
    if not loading.written and not loading.problems:
        files = ", ".join(map(_called, paths)) or "stdin"
        loading.add(Problem(file=files, line=0, object="", path="", message="holds no objects", hint=NO_OBJECTS))
    if loading.problems:
        raise ManifestError(tuple(sorted(set(loading.problems))))
    return loading.written


def folders_inside(path: str) -> list[str]:
    """Return the directories at and below `path` that hold manifests, sorted; `path` alone if it is none, or holds none."""
    folders = sorted(folder for folder, _, names in os.walk(path) if any(Path(name).suffix in SUFFIXES for name in names))
    return folders or [path]


class _Place(NamedTuple):
    """Which document of a text: `web.yaml:12`."""

    source: Source
    number: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.source.read[0][self.number].line('')}"


class _Loading:
    """What was found so far."""

    def __init__(self, asked: str | None, beside: Beside | None) -> None:
        self.written: list[Written[KubernetesObject | Lab]] = []
        self.problems: list[Problem] = []
        self._asked, self._beside = asked, beside
        self._seen: dict[Key, _Place] = {}

    def add(self, problem: Problem) -> None:
        self.problems.append(problem)

    def read_path(self, path: str, stdin: TextIO | None) -> None:
        """Read a file, a directory or standard input."""
        file = _called(path)
        try:
            if path == STDIN:
                self._read_text((stdin or sys.stdin).read(MAX_BYTES + 1), file, "")
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
            self._read_text(file.read(MAX_BYTES + 1).decode("utf-8"), _called(path), _absolute(path))

    def _read_text(self, text: str, file: str, path: str) -> None:
        if len(text) > MAX_BYTES:
            self._file_problem(file, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
            return
        text.encode()  # standard input may hold surrogates, which are no characters
        source = Source(file, text, path)
        with contextlib.suppress(OddTextError):
            self._take_plain(source)
            return
        documents, findings = source.read
        for finding in findings:
            self.add(
                Problem(file=file, line=finding.line, object="", path=finding.path, message=finding.message, hint=finding.hint)
            )
        for number, document in enumerate(documents):
            self._take(document, _Place(source, number))

    def _take_plain(self, source: Source) -> None:
        """Make objects of a whole text, without looking where it stands. Raises OddTextError: something may be wrong."""
        written: list[Written[KubernetesObject | Lab]] = []
        seen: dict[Key, _Place] = {}
        for number, (plain, line) in enumerate(plain_documents(source.text, self._beside)):
            found: list[FieldProblem] = []
            draft = draft_object(self._placed(without_server_set(plain)), found)
            if draft is None or found or any(field_problems(draft)) or any(self._namespace_problems(draft)):
                raise OddTextError
            if draft.key in self._seen or draft.key in seen:
                raise OddTextError
            seen[draft.key] = _Place(source, number)
            written.append(Written(draft, plain, manifest_text(plain), source, line))
        self._seen |= seen
        self.written += written

    def _take(self, document: Document, place: _Place) -> None:
        """Make an object of a document, or problems."""
        file = place.source.name
        found: list[FieldProblem] = []
        draft = draft_object(without_server_set(document.plain), found)
        subject = subject_of(document.plain)
        for finding in document.findings:
            self.add(
                Problem(
                    file=file, line=finding.line, object=subject, path=finding.path, message=finding.message, hint=finding.hint
                )
            )
        if draft is not None:
            found.extend(apart_from(found, (*field_problems(draft), *self._namespace_problems(draft))))
            if draft.metadata.name:
                draft = self._in_namespace(draft)
                found.extend(self._repeated(draft, place))
        for path, message, hint in with_cures(document.plain, found):
            self.add(Problem(file=file, line=document.line(path), object=subject, path=path, message=message, hint=hint))
        if draft is not None and not found and not document.findings:
            self.written.append(Written(draft, document.plain, manifest_text(document.plain), place.source, document.line("")))

    def _namespace_problems(self, item: KubernetesObject | Lab) -> Iterator[FieldProblem]:
        own = item.metadata.namespace
        if own and self._asked not in (None, own) and not isinstance(item, CLUSTER_SCOPED):
            yield "metadata.namespace", f"is {shown(own)}, which is not the namespace asked for", f"-n {self._asked}"

    def _placed(self, plain: Any) -> Any:
        """Put the namespace into the fields of an object that names none, as `_in_namespace` does with the object."""
        meta = plain.get("metadata") if isinstance(plain, dict) else None
        if (
            isinstance(meta, dict)
            and meta.get("namespace") in (None, "")
            and KINDS.get(str(plain.get("kind"))) not in CLUSTER_SCOPED
        ):
            plain["metadata"] = meta | {"namespace": self._asked or DEFAULT_NAMESPACE}
        return plain

    def _in_namespace(self, item: T) -> T:
        if item.metadata.namespace or isinstance(item, CLUSTER_SCOPED):
            return item
        # mypy cannot see that every member of the union has `metadata`.
        return replace(item, metadata=replace(item.metadata, namespace=self._asked or DEFAULT_NAMESPACE))

    def _repeated(self, item: KubernetesObject | Lab, place: _Place) -> Iterator[FieldProblem]:
        earlier = self._seen.setdefault(item.key, place)
        if earlier is not place:
            yield (
                "metadata.name",
                f"the same {item.kind} is already in {earlier}",
                "leave one of them out, or give it another name",
            )


def _absolute(path: str) -> str:
    """Where the file can be found again; "" if its name is none that can be written down."""
    whole = str(Path(path).absolute())
    return whole if whole.isprintable() else ""


def _called(path: str) -> str:
    """What problems call a file: its name, with what could move a terminal's cursor escaped."""
    return "stdin" if path == STDIN else path if path and path.isprintable() else shown(path)
