"""What asking a server has cost: requests, tokens, money and time."""

from dataclasses import dataclass, replace

from tagifai.errors import counted


@dataclass(frozen=True, slots=True)
class Usage:
    """What asking has cost so far.

    Attributes
    ----------
    requests, cached : int
        How many requests were answered, and how many texts needed none.
    prompt_tokens, completion_tokens : int
        Of a language model, as the endpoint counted them.
    cost : float
        By the prices of the options, in their currency.
    seconds : float
        The sum of the requests' latencies.
    """

    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0

    @property
    def latency(self) -> float:
        """The mean seconds of a request."""
        return self.seconds / self.requests if self.requests else 0.0

    def plus(self, **more: float) -> "Usage":
        """Return it with more of some.

        >>> Usage(requests=1).plus(requests=2, seconds=0.5).latency
        0.16666666666666666
        """
        return replace(self, **{name: getattr(self, name) + value for name, value in more.items()})

    def __str__(self) -> str:
        asked = f"{counted(self.requests, 'request')} of {self.latency:.3g} s on average"
        known = f", {counted(self.cached, 'text')} answered before" if self.cached else ""
        tokens = self.prompt_tokens + self.completion_tokens
        spent = f"; {counted(tokens, 'token')}, cost {self.cost:.6g}" if tokens else ""
        return asked + known + spent
