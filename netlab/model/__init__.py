"""NOUNS: Kubernetes objects as frozen dataclasses, in Kubernetes' words. No Linux, no decisions, no input or output.

Field names are Kubernetes' names in snake_case (`cluster_ip` is `clusterIP`); a field that is not here is not supported,
and the reader refuses it (law 5). Constraints on single values stand in `typing.Annotated` and are checked by the reader.
"""
