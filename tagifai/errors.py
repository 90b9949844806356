"""What the person at the screen or the terminal can mend."""

import difflib
from collections.abc import Iterable
from pathlib import Path

# What a checkout has beside the package, and an installed package has not.
_PROJECT = Path(__file__).parent.parent / "pyproject.toml"


class TagifaiError(Exception):
    """A mistake in input, files or settings; its text is shown to the user as it is."""


def one_of(what: str, received: object, allowed: Iterable[str]) -> TagifaiError:
    """Build the error for a name that isn't among those allowed, with the nearest one.

    >>> str(one_of("tag", "trasformers", ["attention", "transformers"]))
    "unknown tag 'trasformers': did you mean 'transformers'? allowed: attention, transformers"
    """
    names = [str(name) for name in allowed]
    text = shorten(str(received))
    near = difflib.get_close_matches(text, names, n=1)
    hint = f" did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names[:20]) + (f" … ({len(names)} in all)" if len(names) > 20 else "")
    return TagifaiError(f"unknown {what} {text!r}:{hint} allowed: {listed or 'none yet'}")


def shorten(text: str, length: int = 80) -> str:
    """Cut `text` to at most `length` characters, so that a message stays readable.

    >>> shorten("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def counted(number: int, what: str) -> str:
    """Write a number of things, in the plural but for one.

    >>> counted(1, "label"), counted(1234, "label")
    ('1 label', '1,234 labels')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def install_command(extra: str) -> str:
    """Return the command that installs what an optional part needs, here or in a checkout.

    >>> install_command("mcp").endswith("[mcp]'")
    True
    """
    return (
        f"pip install -e '.[{extra}]'" if _PROJECT.is_file() else f"pip install 'tagifai[{extra}]'"
    )
