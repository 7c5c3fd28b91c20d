"""Rules across the fields of Deployments, ReplicaSets, DaemonSets and Jobs.

Source: Kubernetes API reference, apps/v1 and batch/v1; pkg/apis/apps and pkg/apis/batch, validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.manifest.pod_rules import pod_spec_problems
from netlab.model.job import Job
from netlab.model.meta import LabelSelector
from netlab.model.owners import Workload
from netlab.model.shapes import FieldProblem
from netlab.model.words import shown
from netlab.model.workload import Deployment, DeploymentSpec

WHOLE = 100


def workload_problems(item: Workload) -> Iterator[FieldProblem]:
    """Yield everything that is wrong with a workload: field path, message, hint."""
    spec = item.spec
    if spec.selector is not None:
        yield from _selector_problems(spec.selector)
        yield from _template_problems(item, spec.selector)
    if isinstance(item, Deployment):
        yield from _strategy_problems(item.spec)
    if isinstance(item, Job):
        yield from _job_problems(item)
    elif spec.template.spec.restart_policy != "Always":
        yield "spec.template.spec.restartPolicy", f"must be Always in a {item.kind}", ""
    if not isinstance(item, (Job, Deployment)) and spec.template.spec.active_deadline_seconds:
        yield "spec.template.spec.activeDeadlineSeconds", f"must not be set in a {item.kind}", ""
    yield from pod_spec_problems(spec.template.spec, "spec.template.spec")


def _selector_problems(selector: LabelSelector) -> Iterator[FieldProblem]:
    if not selector.match_labels and not selector.match_expressions:
        yield "spec.selector.matchLabels", "required", "the labels of the template"
    for number, one in enumerate(selector.match_expressions):
        path = f"spec.selector.matchExpressions[{number}].values"
        if one.operator in {"In", "NotIn"} and not one.values:
            yield path, f"required when the operator is {one.operator}", ""
        if one.operator in {"Exists", "DoesNotExist"} and one.values:
            yield path, f"must not be set when the operator is {one.operator}", ""


def _template_problems(item: Workload, selector: LabelSelector) -> Iterator[FieldProblem]:
    labels = item.spec.template.metadata.labels
    if (selector.match_labels or selector.match_expressions) and not selector.matches(labels):
        wanted = ", ".join(f"{key}={value}" for key, value in selector.match_labels.items())
        hint = f"the selector is {shown(wanted)}" if not selector.match_expressions else ""
        yield "spec.template.metadata.labels", "selector does not match template labels", hint


def _strategy_problems(spec: DeploymentSpec) -> Iterator[FieldProblem]:
    rolling = spec.strategy.rolling_update
    if rolling is None:
        return
    if spec.strategy.type == "Recreate":
        yield "spec.strategy.rollingUpdate", "must not be set when the type is Recreate", ""
    elif not any(str(value).removesuffix("%").strip("0") for value in (rolling.max_surge, rolling.max_unavailable)):
        yield "spec.strategy.rollingUpdate.maxUnavailable", "must not be 0 when maxSurge is 0", "no Pod could ever be replaced"
    if isinstance(rolling.max_unavailable, str) and int(rolling.max_unavailable.removesuffix("%")) > WHOLE:
        yield "spec.strategy.rollingUpdate.maxUnavailable", "must not be more than 100%", ""


def _job_problems(item: Job) -> Iterator[FieldProblem]:
    spec = item.spec
    if spec.template.spec.restart_policy not in {"OnFailure", "Never"}:
        yield "spec.template.spec.restartPolicy", "must be OnFailure or Never in a Job", ""
    if spec.selector is not None and not item.metadata.uid:
        yield "spec.selector", "must not be set", "netlab gives every Job a selector that no other one has"
    if spec.completion_mode == "Indexed" and spec.completions is None:
        yield "spec.completions", "required when the completionMode is Indexed", ""
