"""What must come of each fault, at each stage of a pull, at each temperature.

The three letters of a cell are: *cold*, nothing is stored; *warm*, stored and fresh;
*stale*, stored, but its age is over.

=====  =====================================================================
R      the right answer
S      the old copy, which says so in a warning
M      a miss; the group goes on to its next member
O      UpstreamOutage
T      UpstreamTimeout
L      UpstreamLimited
B      UpstreamBlocked
W      a size as the upstream tells it: it is wrong, but nobody can know before there
       is a manifest, and a GET is verified
=====  =====================================================================

A small letter: some of the blob had come by then, and the connection was cut.

What is asked: *token* and *manifest*, the tag; *HEAD*, a blob by HEAD when cold, else
the tag by HEAD; *blob* and *redirect*, a layer. When stale, the tag has moved at the
last three. *again*: what the tag's GET ends in when it is asked again at once, cold.
"""

from dataclasses import dataclass

from tests.faults.catalogue import FAULTS
from tests.faults.registry import Fault, Stage

TEMPERATURES = ("cold", "warm", "stale")

_TABLE = """
                                token HEAD  manif blob  redir again
-- the connection
connection refused              ORS   ORS   ORS   ORO   ORO   B
connection times out            TRS   TRS   TRS   TRT   TRT   B
name unknown                    ORS   ORS   ORS   ORO   ORO   B
resolver mute                   TRS   TRS   TRS   TRT   TRT   B
-- no head, or an odd one
closed before the head          ORS   ORS   ORS   ORO   ORO   B
reset before the head           ORS   ORS   ORS   ORO   ORO   B
reset once before the head      RRR   RRR   RRR   RRR   RRR   R
head cut                        ORS   ORS   ORS   ORO   ORO   B
head reset                      ORS   ORS   ORS   ORO   ORO   B
garbage                         ORS   ORS   ORS   ORO   ORO   B
garbage without end             ORS   ORS   ORS   ORO   ORO   B
HTTP/0.9                        ORS   ORS   ORS   ORO   ORO   B
status line of letters          ORS   ORS   ORS   ORO   ORO   B
HTTP/2 preface                  ORS   ORS   ORS   ORO   ORO   B
endless headers                 ORS   ORS   ORS   ORO   ORO   B
endless interim answers         ORS   ORS   ORS   ORO   ORO   B
one interim answer              RRR   RRR   RRR   RRR   RRR   R
101                             ORS   ORS   ORS   ORO   ORO   B
-- late heads
silent                          TRS   TRS   TRS   TRT   TRT   B
head after 29 s                 RRR   RRR   RRR   RRR   RRR   R
head after 30 s                 TRS   TRS   TRS   TRT   TRT   B
head byte by byte               TRS   TRS   TRS   TRT   TRT   B
-- statuses
204                             ORS   RRR   ORS   ORO   ORO   O
205                             ORS   RRR   ORS   ORO   ORO   O
206 unasked                     ORS   RRR   RRR   RRR   RRR   R
206 with an odd range           ORS   RRR   ORS   ORO   ORO   O
300                             ORS   ORS   ORS   ORO   ORO   O
-- redirects
301 without Location            ORS   ORS   ORS   ORO   ORO   O
302 in a loop                   ORS   ORS   ORS   ORO   ORO   O
303 to nowhere                  ORS   ORS   ORS   ORO   ORO   O
304                             ORS   ORS   ORS   ORO   ORO   O
307 to file:                    ORS   ORS   ORS   ORO   ORO   O
307 to ftp:                     ORS   ORS   ORS   ORO   ORO   O
307 to a private address        ORS   ORS   ORS   ORO   ORO   O
307 to a private name           ORS   ORS   ORS   ORO   ORO   B
307 to an odd port              ORS   ORS   ORS   ORO   ORO   O
307 to a number                 ORS   ORS   ORS   ORO   ORO   O
307 to no name                  ORS   ORS   ORS   ORO   ORO   B
307 to a long name              ORS   ORS   ORS   ORO   ORO   B
307 with credentials            ORS   ORS   ORS   ORO   ORO   O
307 to an address in brackets   ORS   ORS   ORS   ORO   ORO   O
307 to a port too high          ORS   ORS   ORS   ORO   ORO   O
-- refusals
400                             ORS   ORS   ORS   ORO   ORO   O
401 without challenge           MRS   MRS   MRS   MRM   MRM   M
401 for ever                    MRS   MRS   MRS   MRM   MRM   M
401 with Basic                  MRS   MRS   MRS   MRM   MRM   M
401 with Negotiate              MRS   MRS   MRS   MRM   MRM   M
401 with no realm               ORS   MRS   MRS   MRO   MRO   O
401 with a realm in a file      ORS   MRS   MRS   MRO   MRO   O
401 with a private realm        ORS   MRS   MRS   MRO   MRO   O
401 with a realm of spaces      ORS   MRS   MRS   MRO   MRO   O
401 with a realm in Cyrillic    ORS   MRS   MRS   MRO   MRO   O
401 with a broken realm         ORS   MRS   MRS   MRO   MRO   O
401 with a realm of no name     ORS   MRS   MRS   MRO   MRO   O
402                             ORS   ORS   ORS   ORO   ORO   O
403                             MRS   MRS   MRS   MRM   MRM   M
404 of a registry               ORS   MRS   MRS   MRM   MRM   M
404 in HTML                     ORS   MRS   MRS   MRM   MRM   M
404 of nobody                   ORS   MRS   MRS   MRM   MRM   M
404 stalls                      ORS   MRS   MRS   MRM   MRM   M
405                             ORS   RRR   ORS   ORO   ORO   O
406                             ORS   ORS   ORS   ORO   ORO   O
407                             ORS   ORS   ORS   ORO   ORO   O
408                             ORS   ORS   ORS   ORO   ORO   O
409                             ORS   ORS   ORS   ORO   ORO   O
410                             ORS   ORS   ORS   ORO   ORO   O
416                             ORS   RRR   ORS   ORO   ORO   O
418                             ORS   ORS   ORS   ORO   ORO   O
-- limits
429 for two minutes             LRS   LRS   LRS   LRL   LRL   L
429 until a date                LRS   LRS   LRS   LRL   LRL   L
429 without a time              LRS   LRS   LRS   LRL   LRL   L
429 with an odd time            LRS   LRS   LRS   LRL   LRL   L
429 with a past date            LRS   LRS   LRS   LRL   LRL   L
-- failures
451                             ORS   ORS   ORS   ORO   ORO   O
500                             ORS   ORS   ORS   ORO   ORO   B
500 once                        RRR   RRR   RRR   RRR   RRR   R
500 whose body stalls           ORS   ORS   ORS   ORO   ORO   B
501                             ORS   ORS   ORS   ORO   ORO   B
502                             ORS   ORS   ORS   ORO   ORO   B
503                             ORS   ORS   ORS   ORO   ORO   B
504                             ORS   ORS   ORS   ORO   ORO   B
599                             ORS   ORS   ORS   ORO   ORO   B
999                             ORS   ORS   ORS   ORO   ORO   B
-- bodies of something else, and framing
200 in HTML                     ORS   RRR   ORS   oRO   oRO   O
200 in JSON                     ORS   WRR   ORS   oRO   oRO   O
200 and empty                   ORS   WRR   ORS   oRO   oRO   O
no length                       RRR   RRR   RRR   ORR   ORR   R
no length and cut               ORS   RRR   ORS   oRo   oRo   O
chunked                         RRR   RRR   RRR   RRR   RRR   R
chunked and cut                 ORS   RRR   ORS   oRo   oRo   O
chunked without the last chunk  ORS   RRR   ORS   ORR   ORR   O
chunked with a bad size         ORS   RRR   ORS   oRo   oRo   O
-- bodies that end too early, or too late
body closed at once             ORS   RRR   ORS   oRo   oRo   O
body closed half way            ORS   RRR   ORS   oRo   oRo   O
body reset half way             ORS   RRR   ORS   oRo   oRo   O
body reset half way once        ORS   RRR   ORS   RRR   RRR   R
flipped, then cut               ORS   RRR   ORS   oRo   oRo   O
body short of one byte          ORS   RRR   ORS   oRo   oRo   O
body longer than promised       RRR   RRR   RRR   RRR   RRR   R
shorter, and says so            ORS   WRR   ORS   oRO   oRO   O
longer, and says so             ORS   WRR   ORS   oRO   oRO   O
stall at once                   TRS   RRR   TRS   tRt   tRt   T
stall half way                  TRS   RRR   TRS   tRt   tRt   T
stall before the last byte      TRS   RRR   TRS   tRt   tRt   T
one byte in 10 s                TRS   RRR   TRS   tRt   tRt   T
-- wrong bytes, and wrong headers
one flipped bit                 ORS   RRR   ORS   oRo   oRo   O
wrong bytes                     ORS   RRR   ORS   oRo   oRo   O
zeros                           ORS   RRR   ORS   oRo   oRo   O
wrong Docker-Content-Digest     RRR   RRR   ORS   RRR   RRR   O
broken Docker-Content-Digest    RRR   RRR   ORS   RRR   RRR   O
no Docker-Content-Digest        RRR   RRR   RRR   RRR   RRR   R
gzip                            ORS   RRR   ORS   ORO   ORO   O
says gzip, is not               RRR   RRR   ORS   ORO   ORO   O
wrong Content-Type              RRR   RRR   ORS   RRR   RRR   O
no Content-Type                 RRR   RRR   RRR   RRR   RRR   R
Content-Type of bytes           RRR   RRR   ORS   RRR   RRR   O
-- lengths
length twice, the same          RRR   RRR   RRR   RRR   RRR   R
length twice, another           ORS   RRR   ORS   ORO   ORO   B
length negative                 ORS   RRR   ORS   ORO   ORO   B
length of letters               ORS   RRR   ORS   ORO   ORO   B
length of 5000 digits           ORS   RRR   ORS   ORO   ORO   B
length in other digits          ORS   RRR   ORS   ORO   ORO   B
length and chunks               ORS   ORS   ORS   ORO   ORO   B
unknown Transfer-Encoding       ORS   RRR   ORS   ORO   ORO   B
40 MB                           ORS   WRR   ORS   tRO   tRO   O
9 EB promised                   TRS   WRR   TRS   tRO   tRO   T
-- JSON, of a manifest and of the realm
malformed JSON                  ORS   WRR   ORS   oRO   oRO   O
JSON nested deeply              ORS   WRR   ORS   oRO   oRO   O
JSON nested too deeply          ORS   WRR   ORS   oRO   oRO   O
JSON of a list                  ORS   WRR   ORS   oRO   oRO   O
JSON of null                    ORS   WRR   ORS   oRO   oRO   O
JSON that says little           ORS   WRR   ORS   oRO   oRO   O
JSON in UTF-16                  RRR   WRR   ORS   oRO   oRO   O
-- tokens
token missing                   ORS   WRR   ORS   oRO   oRO   O
token empty                     ORS   WRR   ORS   oRO   oRO   O
token no text                   ORS   WRR   ORS   oRO   oRO   O
token with a line end           ORS   WRR   ORS   oRO   oRO   O
token that nobody takes         MRS   WRR   ORS   oRO   oRO   O
token of 60 KB                  MRS   WRR   ORS   oRO   oRO   O
token of 1 MB                   ORS   WRR   ORS   oRO   oRO   O
token expired                   RRR   RRR   RRR   RRR   RRR   R
token expired long ago          RRR   RRR   RRR   RRR   RRR   R
token that lives NaN            RRR   RRR   RRR   RRR   RRR   R
token that lives for ever       RRR   RRR   RRR   RRR   RRR   R
token that lives 10^400 s       RRR   RRR   RRR   RRR   RRR   R
token that lives "long"         RRR   RRR   RRR   RRR   RRR   R
"""

#: What the same request ends in five minutes after the fault; R where nothing is said.
_AFTER = {
    # A plain 404 is known for ten minutes. A blob by HEAD may be there by GET, and one
    # that a manifest links to is asked for all the same.
    "404 of a registry": "RRR RRS MRS MRR MRR",
    # What was kept turns out to be no beginning of it: dropped, right the next time.
    "flipped, then cut": "RRR RRR RRR oRo oRo",
    "40 MB": "RRR RRR RRR ORR ORR",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and what must come of it.

    :ivar again: the letter of a second request, at once.
    """

    name: str
    fault: Fault
    outcomes: tuple[str, ...]
    after: tuple[str, ...]
    again: str

    def outcome(self, stage: Stage, temperature: str) -> str:
        """The letter while the fault is there."""
        return _cell(self.outcomes, stage, temperature)

    def later(self, stage: Stage, temperature: str) -> str:
        """The letter once it is gone."""
        return _cell(self.after, stage, temperature)


def _cell(cells: tuple[str, ...], stage: Stage, temperature: str) -> str:
    return cells[list(Stage).index(stage)][TEMPERATURES.index(temperature)]


def _row(line: str) -> Row:
    name = line[:32].rstrip()
    *outcomes, again = line[32:].split()
    after = _AFTER.get(name, "RRR RRR RRR RRR RRR").split()
    return Row(name, FAULTS[name], tuple(outcomes), tuple(after), again)


ROWS = tuple(
    _row(line) for line in _TABLE.splitlines()[2:] if not line.startswith("--")
)
