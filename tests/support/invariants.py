"""The invariants of reliability.md section 4.1, each as one check.

They ask a registry as a client does, or look at what lies in its folders, and raise
AssertionError with the name of what is broken.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pullthrough.spec.digest import Digest


@dataclass
class Answer:
    """What a registry answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: Asks a registry: method, target, user.
Ask = Callable[[str, str, str], Answer]


def names_are_contents(files: Iterable[Path]) -> None:
    """I1: each committed file hashes to its name."""
    for path in files:
        algorithm = path.parents[1].name
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
        assert found == path.name, f"I1: {path} has {found}"


def blob_is_there(ask: Ask, user: str, image: str, digest: Digest) -> None:
    """I2: an acknowledged blob is readable by that name, and is what it should be."""
    answer = ask("GET", f"/v2/{image}/blobs/{digest}", user)
    assert answer.status == 200, f"I2: {image} {digest} is lost: {answer.status}"
    found = Digest.of(answer.body, digest.algorithm)
    assert found == digest, f"I7: {image} {digest} came as {found}"


def manifest_is_there(
    ask: Ask, user: str, image: str, body: bytes, blobs: Iterable[Digest]
) -> None:
    """I3: an acknowledged manifest has its bytes, and its blobs are there."""
    digest = Digest.of(body)
    answer = ask("GET", f"/v2/{image}/manifests/{digest}", user)
    assert answer.status == 200, f"I3: {image} {digest} is lost: {answer.status}"
    assert answer.body == body, f"I3: {image} {digest} has other bytes"
    for blob in blobs:
        blob_is_there(ask, user, image, blob)


def tag_resolves(
    ask: Ask, user: str, image: str, tag: str, allowed: Iterable[Digest | None]
) -> Digest | None:
    """I4: a tag stands for one manifest that exists, and for none that it may not.

    :param allowed: None among them: the tag may be missing.
    :returns: what it stands for.
    """
    answer = ask("GET", f"/v2/{image}/manifests/{tag}", user)
    found = None
    if answer.status == 200:
        found = Digest.of(answer.body)
        told = answer.headers["docker-content-digest"]
        assert told == str(found), f"I4: {image}:{tag} is {found}, but says {told}"
    else:
        assert answer.status == 404, f"I4: {image}:{tag} answers {answer.status}"
    assert found in set(allowed), f"I4: {image}:{tag} stands for {found}"
    return found


def session_is_bound(
    ask: Ask, owner: str, stranger: str, location: str, least: int, most: int
) -> int | None:
    """I12: a session tells its owner a durable offset, and strangers nothing.

    :param least: bytes that were acknowledged.
    :param most: bytes that were sent.
    :returns: the offset; None when the session has ended.
    """
    assert ask("GET", location, stranger).status == 404, f"I12: {location} is told"
    answer = ask("GET", location, owner)
    if answer.status == 404 and not least:
        return None
    assert answer.status == 204, f"I12: {location} is lost: {answer.status}"
    last = int(answer.headers["range"].partition("-")[2])
    offset = last + 1 if last else 0
    assert least <= offset <= most, f"I12: {location} at {offset}, not {least}..{most}"
    return offset


def nothing_is_left_over(data: Path, store: Path) -> None:
    """I19: after a start the store holds no ingest that belongs to no session."""
    database = sqlite3.connect(f"file:{data}/metadata.sqlite?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT identifier FROM upload").fetchall()
    finally:
        database.close()
    left = {path.name for path in (store / "ingest").iterdir()}
    stray = left - {identifier for (identifier,) in rows}
    assert not stray, f"I19: left over: {sorted(stray)}"
