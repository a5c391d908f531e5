"""One section of the file: its options are read one by one, its faults collected."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from pullthrough.config.fields import FieldError
from pullthrough.config.secrets import SecretError

T = TypeVar("T")


class Section:
    """The options of a section.

    :param faults: where ``[section] option: reason`` goes.
    """

    def __init__(
        self, name: str, options: Mapping[str, str], faults: list[str]
    ) -> None:
        self.name = name
        self._options = options
        self._faults = faults
        self._known: set[str] = set()
        self._skipped = False

    def skip(self) -> None:
        """The section itself is wrong: what its options are cannot be told."""
        self._skipped = True

    def fault(self, option: str, reason: str) -> None:
        """Say what is wrong with an option."""
        self._faults.append(f"[{self.name}] {option}: {reason}")

    def has(self, option: str) -> bool:
        """Whether the option is there and not empty."""
        return bool(self._options.get(option))

    def get(self, option: str, parse: Callable[[str], T], default: T) -> T:
        """The value of an option; the default when it is missing, empty or wrong."""
        self._known.add(option)
        text = self._options.get(option, "")
        if not text:
            return default
        try:
            return parse(text)
        except (FieldError, SecretError) as error:
            self.fault(option, str(error))
            return default

    def patterns(
        self, option: str, parse: Callable[[str], T]
    ) -> Iterable[tuple[str, T]]:
        """The values of ``OPTION.PATTERN``, in their order."""
        for name in self._options:
            first, dot, pattern = name.partition(".")
            if first == option and dot and pattern:
                value = self.get(name, parse, None)
                if value is not None:
                    yield pattern, value

    def finish(self) -> None:
        """Refuse the options that nobody has asked for."""
        for option in () if self._skipped else self._options:
            if option not in self._known:
                near = get_close_matches(option, self._known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self.fault(option, f"there is no such option here{hint}")
