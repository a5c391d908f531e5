"""Newer engines, out of a folder that is the root of what runs in it."""

import sys
from pathlib import Path

import pytest

#: Where ``tests/testbed/newer_engines.sh`` has unpacked them.
TREE = Path(sys.prefix) / "trees" / "newer"

# /etc/hosts is that of the test already.
_INSIDE = """
set -e
tree=$0 shared=$1
shift
mount --bind "$tree" "$tree"
mount -t tmpfs none "$tree/tmp"
mount -t tmpfs none "$tree/run"
for place in proc sys dev; do mount --rbind "/$place" "$tree/$place"; done
for file in /etc/hosts /etc/resolv.conf; do mount --bind "$file" "$tree$file"; done
mkdir -p "$tree$shared"
mount --rbind "$shared" "$tree$shared"
cd "$tree"
pivot_root . old
umount -l /old
cd /
exec "$@"
"""


def in_tree(shared: Path) -> tuple[str, ...]:
    """What to put before a command that is to run in the tree.

    :param shared: the folder that is seen in there as well.
    """
    if not (TREE / ".complete").exists():
        why = TREE.with_name(f"{TREE.name}.why")
        pytest.skip(why.read_text().strip() if why.exists() else "no newer engines")
    # A mount namespace for each: pivot_root moves everybody who is in it.
    own = ("unshare", "-m", "--propagation", "private")
    return (*own, "sh", "-c", _INSIDE, str(TREE), str(shared))
