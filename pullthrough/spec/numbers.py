"""Numbers that strangers write, of any length. Pure."""


def bounded(digits: str, most: int) -> int:
    """The number that decimal digits say; ``most`` when it is larger.

    A million digits are no work, and zeros in front mean nothing.
    """
    significant = digits.lstrip("0")
    if len(significant) > len(str(most)):
        return most
    return min(int(significant or "0"), most)
