"""How much may be under way at one upstream at once."""

#: Bodies of blobs, and everything else.
BODIES = 16
METADATA = 8

#: Seconds for which a turn is waited for. containerd gives up a pull after five minutes
#: without a byte (``image_pull_progress_timeout``).
BODY_PATIENCE = 240.0
METADATA_PATIENCE = 60.0
