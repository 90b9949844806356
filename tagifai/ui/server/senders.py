"""Who sent a request, as far as the server's own checks have found out."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

_KEY = "tagifai.sender"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request.

    Parameters
    ----------
    address : str
        Where it came from.
    user : str
        Who logged in; "" for nobody.
    owner : bool
        Whether it brought the token of the link that the start printed.
    session : str
        The page that it came from; "" for a program that names none.
    size : int
        The bytes of its body.
    """

    address: str = ""
    user: str = ""
    owner: bool = False
    session: str = ""
    size: int = 0

    @property
    def house(self) -> str:
        """Whom limits count a request for: a user, the owner, else an address.

        >>> Sender("10.0.0.7", "ann").house, Sender("10.0.0.7", owner=True).house
        ('user ann', 'owner')
        """
        if self.user:
            return f"user {self.user}"
        return "owner" if self.owner else self.address

    @property
    def name(self) -> str:
        """Who takes turns: each page of a house; all its programs that name none are one.

        >>> Sender("10.0.0.7", session="a1").name
        '10.0.0.7 a1'
        """
        return f"{self.house} {self.session}"


def sender_of(scope: MutableMapping[str, Any] | None) -> Sender:
    """Return who sent a request, from its scope."""
    known = (scope or {}).get(_KEY)
    return known if isinstance(known, Sender) else Sender()


def with_sender(scope: MutableMapping[str, Any], sender: Sender) -> dict[str, Any]:
    """Return a scope that says who sent the request."""
    return {**scope, _KEY: sender}
