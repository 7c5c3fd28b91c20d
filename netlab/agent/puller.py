"""`python -m netlab.agent.puller REFERENCE LOCK`: pulls one image and ends. LOCK is the number of the file it keeps."""

from __future__ import annotations

import os
import sys

from netlab.desired.image_names import parse
from netlab.engine.image_changes import pull
from netlab.engine.images import image_store

if __name__ == "__main__":
    reference, held = sys.argv[1:]
    os.set_inheritable(int(held), False)
    pull(image_store(), parse(reference), lambda: os.close(int(held)))
