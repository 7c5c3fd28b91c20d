"""When a container may start as far as its image is concerned, and what it waits for otherwise. Pure; time is an argument.

    IfNotPresent ... an image that is there will do
    Always ......... one that was pulled since the container was due: Pods that are due at the same time share a pull
    Never .......... it must be there

A pull that fails is repeated after 10, 20, 40 ... at most 300 s. The wait is that of the image, shared by all Pods; a Pod that
is made later does not wait for it. Source: Kubernetes docs, Images; kubelet image_manager.go (EnsureImageExists) and its words.
"""

from __future__ import annotations

from netlab.desired.image_names import InvalidImageName, parse, pull_policy
from netlab.frozen import dataclass
from netlab.netstate.pull import ImageLook, PullRecord

FIRST_DELAY_S = 10.0
MAX_DELAY_S = 300.0
SHOWN_S = 3.0  # how long a failed pull is ErrImagePull, before it is ImagePullBackOff
PROGRESS_S = 1.0  # how often the progress of a pull is looked at
MEGABYTE = 1_000_000

CREATING = "ContainerCreating"
FAILED = "ErrImagePull"
BACKOFF = "ImagePullBackOff"
NEVER = "ErrImageNeverPull"
INVALID = "InvalidImageName"
LOST = "the program that pulled it was ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWait:
    """Why a container cannot start yet. With `pull` a pull is to be begun, `failures` of which went wrong before it.

    `until` is when to look again (seconds since the epoch), None if only another wish can help.
    """

    reason: str
    message: str
    pull: bool = False
    failures: int = 0
    until: float | None = None


def image_wait(image: str, policy: str, look: ImageLook, since: float | None, now: float) -> ImageWait | None:
    """Return what a container waits for, None if its image is ready.

    Args:
        image: as in the manifest; not `host`.
        policy: `imagePullPolicy` as in the manifest.
        look: what there is of this image.
        since: when the container was due to start, seconds since the epoch; None as long as its Pod has no sandbox, and until
            then nothing is pulled for it.
        now: seconds since the epoch.
    """
    try:
        parse(image)
    except InvalidImageName as error:
        return ImageWait(reason=INVALID, message=str(error))
    holds = pull_policy(image, policy)
    if look.image is not None and (holds != "Always" or was_pulled(look, since)):
        return None
    if holds == "Never":
        return ImageWait(reason=NEVER, message=f'Container image "{image}" is not present with pull policy of Never')
    if since is None:
        return ImageWait(reason=CREATING, message="", until=now + PROGRESS_S)
    return _pull(image, look, since, now)


def was_pulled(look: ImageLook, since: float | None) -> bool:
    """Tell whether the newest pull brought the image, since this moment."""
    record = look.record
    if record is None or since is None:
        return False
    return not look.running and not record.error and record.finished_at >= since


def pulling(image: str) -> str:
    """Return what the message of a container begins with while its image is pulled."""
    return f'Pulling image "{image}"'


def _pull(image: str, look: ImageLook, since: float, now: float) -> ImageWait:
    record = look.record
    if look.running:
        failures, received = (record.failures, record.received) if record else (0, 0)
        progress = f": {received / MEGABYTE:.1f}MB received" if received else ""
        reason = BACKOFF if failures else CREATING
        return ImageWait(reason=reason, message=pulling(image) + progress, until=now + PROGRESS_S)
    failed = _failed(record)
    if failed is None or failed.finished_at < since:
        return ImageWait(reason=CREATING, message=pulling(image), pull=True, until=now + PROGRESS_S)
    end = failed.finished_at + delay(failed.failures)
    if now >= end:
        return ImageWait(reason=BACKOFF, message=pulling(image), pull=True, failures=failed.failures, until=now + PROGRESS_S)
    turn = failed.finished_at + SHOWN_S
    if now < turn:
        return ImageWait(reason=FAILED, message=failed.error, until=turn)
    return ImageWait(reason=BACKOFF, message=f'Back-off pulling image "{image}": {FAILED}: {failed.error}', until=end)


def _failed(record: PullRecord | None) -> PullRecord | None:
    """The newest pull as one that failed; one that ended without a word was killed."""
    if record is None or (record.finished_at and not record.error):
        return None
    if record.finished_at:
        return record
    return PullRecord(
        reference=record.reference,
        started_at=record.started_at,
        finished_at=record.started_at,
        failures=record.failures + 1,
        error=LOST,
    )


def delay(failures: int) -> float:
    """Return the seconds between the end of the last of so many failed pulls and the next one."""
    return float(min(FIRST_DELAY_S * 2 ** min(failures - 1, 10), MAX_DELAY_S)) if failures else 0.0
