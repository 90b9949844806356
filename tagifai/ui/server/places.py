"""What visitors read of where files are: the names of the folders, and nothing above them."""

import html
import re
from collections.abc import Mapping
from pathlib import Path

from tagifai.settings import Settings

_DEEPEST, _LONGEST = 4, 1_000


class Places:
    """The folders that messages may name.

    >>> Places([Path("/srv/tagifai/data")]).hide("/srv/tagifai/data/projects.json: not JSON")
    'data/projects.json: not JSON'
    """

    def __init__(self, folders: "list[Path] | tuple[Path, ...]" = ()) -> None:
        names: dict[str, str] = {}
        for folder in folders:
            for known in {folder, folder.absolute(), folder.resolve()}:
                if known.is_absolute() and known != known.parent:
                    names[str(known)] = known.name
                    names[html.escape(str(known))] = html.escape(known.name)
        self._names = names
        # The longest first: one folder may lie in another.
        longest = sorted(names, key=len, reverse=True)
        self._pattern = re.compile(
            "|".join(rf"{re.escape(name)}(?![\w.-])" for name in longest) or r"(?!)"
        )

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """List the folders and files of an app's settings."""
        named = [settings.data, settings.reviews_file, settings.cache_dir]
        for place in (settings.models, settings.auth_file):
            text = place.removeprefix("git:")
            if text and "://" not in text and ":" not in text[2:]:
                named.append(Path(text))
        return cls([*named, *(place.parent for place in named if place.suffix)])

    def hide(self, text: str) -> str:
        """Return a text that names the folders alone."""
        return self._pattern.sub(lambda found: self._names[found[0]], text)

    def hide_in(self, value: object, depth: int = 0) -> object:
        """Return what a function answered, its texts changed likewise; long lists are left out."""
        if isinstance(value, str):
            return self.hide(value)
        if depth >= _DEEPEST:
            return value
        if isinstance(value, Mapping) and len(value) <= _LONGEST:
            return {key: self.hide_in(one, depth + 1) for key, one in value.items()}
        if isinstance(value, list) and len(value) <= _LONGEST:
            return [self.hide_in(one, depth + 1) for one in value]
        return value
