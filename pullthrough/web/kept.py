"""Answers that stand: kept whole, head and body, as long as nothing behind them moves.

Content by digest never changes, and a tag only when something here changes it. Such an
answer is found without a question to disk or database (:class:`KeptAnswers`), and for
a request head that comes again, byte for byte, without reading it again
(:class:`Standing`). Rights are decided anew whenever who asks, or what is asked, is
another; a reload forgets everything.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from pullthrough.accessline import AccessLine, AccessLog
from pullthrough.changes import Changes, Seen, Watch
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance
from pullthrough.web.answers import head_bytes
from pullthrough.web.exchange import Headers
from pullthrough.web.head import Head

#: Memory for kept answers in all, in bytes, and the longest body that is kept.
MEMORY = 32 * 1024 * 1024
LONGEST_BODY = 256 * 1024

#: What an answer costs besides its bytes, about, in bytes; and each way in which it is
#: given; and the most such ways.
_OVERHEAD = 1024
_WAY = 1024
MOST_WAYS = 64

#: With ``1`` in it an answer says which member of a group it came from.
EXPLAIN = "x-pullthrough-explain"

#: Stands for the date in a head that is made before it.
_DATE = "Date: \r\n"


#: What makes an answer another one than the whole content.
_PARTICULAR = frozenset({"range", "if-range", "if-none-match", EXPLAIN})


def plain(head: Head) -> bool:
    """Whether a read asks for nothing but the content."""
    return head.length == 0 and _PARTICULAR.isdisjoint(head.fields)


class Kept:
    """The answer 200 to one GET or HEAD.

    :param body: as it is sent: empty for HEAD.
    :param watch: the facts that it was made of.
    :ivar image: which image it tells about.
    :ivar given: how it was given lately, by what was told apart for that.
    :ivar forgotten: whether it was dropped to make room.
    """

    __slots__ = (
        "_bare",
        "_before",
        "_date",
        "_skip",
        "_watch",
        "_whole",
        "forgotten",
        "given",
        "headers",
        "image",
        "length",
        "provenance",
        "size",
    )

    def __init__(
        self,
        headers: Headers,
        body: bytes,
        provenance: Provenance,
        watch: Watch,
        image: ImageName,
    ) -> None:
        self.image = image
        self.headers = tuple(headers)
        self.length = len(body)
        self.provenance = provenance
        self.forgotten = False
        self.given: dict[Hashable, Standing] = {}
        self._watch = watch
        told = any(name == "Content-Length" for name, _ in headers)
        head = head_bytes(200, headers, None if told else len(body), False, _DATE)
        self._before, after = head.split(_DATE.encode(), 1)
        self._date = b""
        self._skip = len(self._before)
        self._whole = self._before + after + body
        self.size = self._bare = len(self._whole) + _OVERHEAD

    def stands(self, now: float) -> bool:
        """Whether it is still the answer.

        :param now: seconds since the epoch.
        """
        return now < self.provenance.until and self._watch.same()

    def whole(self, date: bytes) -> bytes:
        """Head and body, with this ``Date`` header line."""
        if date is not self._date:
            rest = memoryview(self._whole)[self._skip :]
            self._whole = b"".join((self._before, date, rest))
            self._date, self._skip = date, self._skip + len(date) - len(self._date)
        return self._whole

    def give(self, way: Hashable, standing: "Standing", cost: int) -> int:
        """Give it so from now on when it is asked for this way.

        :param cost: of that, in bytes.
        :returns: by how many bytes it has grown.
        """
        before = self.size
        if way not in self.given:
            if len(self.given) >= MOST_WAYS:
                self.given.clear()
                self.size = self._bare
            self.size += cost
        self.given[way] = standing
        return self.size - before

    @property
    def seen(self) -> Seen:
        """The stamps of the facts that it was made of."""
        return self._watch.seen

    def parts(self) -> tuple[bytes, bytes]:
        """What is sent before the ``Date`` header line, and behind it."""
        return self._before, self._whole[self._skip :]

    def body(self) -> bytes:
        """What is sent behind the head."""
        return self._whole[-self.length :] if self.length else b""


class KeptAnswers:
    """The answers of all connectors, those least asked for going first.

    :param changes: where the changes of facts are noted.
    :param limit: bytes in all.
    """

    def __init__(self, changes: Changes, limit: int = MEMORY) -> None:
        self.watch = changes.watch
        self._limit = limit
        self._answers: OrderedDict[Hashable, Kept] = OrderedDict()
        self.size = 0

    def find(self, key: Hashable, now: float) -> Kept | None:
        """The answer, if it still stands.

        :param now: seconds since the epoch.
        """
        kept = self._answers.get(key)
        if kept is None:
            return None
        if not kept.stands(now):
            self._forget(key)
            return None
        self._answers.move_to_end(key)
        return kept

    def keep(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer, in the place of others if need be."""
        self._forget(key)
        if kept.size > self._limit:
            return
        self._answers[key] = kept
        self.size += kept.size
        self._make_room()

    def give(self, kept: Kept, way: Hashable, standing: "Standing", cost: int) -> None:
        """Keep in mind how an answer is given; see :meth:`Kept.give`."""
        if not kept.forgotten:
            self.size += kept.give(way, standing, cost + _WAY)
            self._make_room()

    def _make_room(self) -> None:
        while self.size > self._limit:
            self._forget(next(iter(self._answers)))

    def clear(self) -> None:
        """Forget everything: another configuration is served."""
        for key in tuple(self._answers):
            self._forget(key)

    def _forget(self, key: Hashable) -> None:
        kept = self._answers.pop(key, None)
        if kept is not None:
            kept.forgotten = True
            self.size -= kept.size


#: Notes that a request has come again, from this address.
Again = Callable[[AccessLine, str], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request head is answered by whenever it comes again.

    :ivar until: up to when who asks is proven, and may ask (seconds since the epoch).
    :ivar line: what the access log says of it.
    :ivar again: takes that.
    """

    kept: Kept
    until: float
    line: AccessLine
    again: Again

    def good(self, now: float) -> bool:
        """Whether it still is.

        :param now: seconds since the epoch.
        """
        kept = self.kept
        return now < self.until and not kept.forgotten and kept.stands(now)


def again(log: AccessLog) -> Again:
    """How an access log takes what comes again."""
    own: Again | None = getattr(log, "again", None)
    return own or (lambda line, peer: log(replace(line, peer=peer)))
