"""Who came, as a provider proves it: what both OpenID Connect and SAML end in."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Identity:
    """A person of the directory. `subject`: the provider's own name for them, which never becomes another person's."""

    issuer: str
    subject: str
    email: str = ""  # lower case; empty when there is none that is proven to be theirs
    name: tuple[str, str] = ("", "")  # first, last
    groups: frozenset[str] = frozenset()
    second_factor: bool = False  # the provider asked for one
    signed_in_at: int | None = None  # when the person gave password or factor there, if the provider says so
    id_token: str = field(default="", repr=False)  # for signing out there

    @property
    def uid(self) -> str:
        """What our account is tied to: one text for issuer and subject, so that another issuer is another person."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()
