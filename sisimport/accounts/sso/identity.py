"""The user's identity as verified by a provider: the result of both OpenID Connect and SAML."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Identity:
    """A person of the directory. `subject`: the provider's own name for them, which is never reused for another person."""

    issuer: str
    subject: str
    email: str = ""  # lower case; empty if no address is proven to be theirs
    name: tuple[str, str] = ("", "")  # first, last
    groups: frozenset[str] = frozenset()
    second_factor: bool = False  # the provider asked for one
    signed_in_at: int | None = None  # when the person entered password or factor there, if the provider says so
    id_token: str = field(default="", repr=False)  # for signing out there

    @property
    def uid(self) -> str:
        """The key our account is linked to: issuer and subject in one text, so that a different issuer means a different
        person."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()
