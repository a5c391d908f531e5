"""Whether the head of a response can be read in one way only. Sans-IO.

Twisted's client takes more than the grammar, and not always as other readers do: bare
LF for line ends, a sign in a status, both framings at once, the first of two codings.
"""

import re

# RFC 9112 section 2.2: a bare CR must not be taken for a line end, a bare LF may be. A
# CR at the very end may still become CR LF.
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")

# RFC 9112 section 4: status-line = HTTP-version SP status-code SP [ reason-phrase ].
# Some servers leave out the second SP.
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")

# RFC 9112 section 5: field-line = field-name ":" OWS field-value OWS. What begins with
# white space is obs-fold, which a gateway may answer with 502 (5.2).
_FIELD = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*"
)

# RFC 9110 section 8.6: a list of equal lengths may be taken as one.
_LENGTHS = re.compile(rb"([0-9]{1,19})(?:[ \t]*,[ \t]*\1)*")


def has_bare_line_end(head: bytes) -> bool:
    """Whether a CR or LF stands alone in a head, or in the beginning of one."""
    return _BARE.search(head) is not None


def is_interim(head: bytes) -> bool:
    """Whether the head itself is still to come (RFC 9110 section 15.2)."""
    status = _STATUS.match(head)
    return status is not None and status[2].startswith(b"1") and status[2] != b"101"


def fault_of(head: bytes, framed: bool = True) -> str:
    """What is wrong with a head, in words; empty when nothing is.

    :param head: without the empty line that ends it.
    :param framed: whether a body may follow; none does after HEAD.
    """
    if has_bare_line_end(head):
        return "a line end that is not CR LF"
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        return "a malformed status line"
    # RFC 9110 section 15.2.2: only to who has asked for another protocol.
    if status[2] == b"101":
        return "a switch of protocols"
    lengths, codings = [], []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            return "a malformed header line"
        name = field[1].lower()
        if name == b"content-length":
            lengths.append(field[2])
        elif name == b"transfer-encoding":
            codings.append(field[2].lower())
    # RFC 9112 section 6.3: both "ought to be handled as an error".
    if lengths and codings:
        return "a length and a transfer coding at once"
    return _framing_fault(lengths, codings, status[1] == b"1") if framed else ""


def _framing_fault(lengths: list[bytes], codings: list[bytes], modern: bool) -> str:
    if lengths and not _LENGTHS.fullmatch(b",".join(lengths)):
        return "no length that is one"
    # RFC 9112 section 6.1: in HTTP/1.0 "as if the framing is faulty".
    if codings and (codings != [b"chunked"] or not modern):
        return "a transfer coding that is not taken"
    return ""
