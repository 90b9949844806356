"""Preprocess visitors' texts with visitors' patterns."""

from tagifai.services.data import DataService
from tagifai.text.saferegex import SafeRegex


class PreprocessingService:
    """Preprocessing where no pattern can hang the app; the language is the data's by default."""

    def __init__(self, data: DataService) -> None:
        self.data = data
        # No process is started before the first pattern that needs one.
        self.safe_regex = SafeRegex()

    def close(self) -> None:
        """End the processes that try patterns."""
        self.safe_regex.close()

    def preprocess(
        self,
        text: str,
        lower: bool,
        stem: bool,
        filters: str,
        stopwords: str | None = None,
        language: str = "",
    ) -> str:
        """Return what the classifier reads of a text.

        Parameters
        ----------
        text : str
            A visitor's text.
        lower, stem : bool
            Whether words are lowercased, and reduced to their stems.
        filters : str
            A regular expression; what it matches becomes a space.
        stopwords : str, optional
            Words left out, separated by spaces; those of the language by default.
        language : str
            A name or an ISO code; the data's where it is empty.

        Raises
        ------
        TagifaiError
            The pattern is invalid or takes too long, or the language is unknown.
        """
        return self.safe_regex.preprocess_text(
            text,
            lower=lower,
            stem=stem,
            filters=filters,
            stopwords=None if stopwords is None else stopwords.split(),
            language=language or self.data.get().language,
        )
