"""Manifests: what their JSON says, read within limits.

The bytes are the manifest; what is read here only tells what they refer to.
"""

import json
from collections.abc import Mapping
from typing import Any

from pullthrough.spec import mediatypes
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
