"""A real OpenID Connect provider over HTTP (oidc-provider-mock, on Authlib), and a browser that goes there and back.

What the package leaves out is added: PKCE is required and checked. And what an attacker would do can be switched on: `damage`
changes the claims of ID tokens, `foreign_key` and `algorithm` how they are signed, `publishes` what discovery says.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import flask
import jwt
import oidc_provider_mock
import requests
import werkzeug.serving
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from sisimport.accounts.sso.configuration import OPENID, Provider

CLIENT = "sis-import"
SECRET = "of-the-client"
ROSA = "rosa@lincoln.example"


@dataclass
class DistrictProvider:
    """The provider of a district, in a thread of its own."""

    port: int = 0
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    damage: Callable[[dict[str, Any]], Any] | None = None
    foreign_key: bool = False
    algorithm: str = "RS256"
    publishes: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    challenges: dict[str, str] = field(default_factory=dict)  # code -> PKCE challenge
    asked: list[dict[str, str]] = field(default_factory=list)  # parameters of requests for authorization
    verified: int = 0  # PKCE verifiers that were right

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def setup(self, **values: Any) -> Provider:
        given: dict[str, Any] = {"key": "oidc", "kind": OPENID, "name": "Lincoln ID", "issuer": self.issuer}
        given |= {"client_id": CLIENT, "client_secret": SECRET, "reads_userinfo": True}
        return Provider(**(given | values))

    def knows(self, sub: str, **claims: Any) -> None:
        """Somebody of the directory."""
        answer = requests.put(f"{self.issuer}/users/{sub}", json=claims, timeout=60)
        assert answer.status_code == 204, answer.text

    # ---- what the package leaves out, and what attackers do ----

    def before(self) -> Any:
        if flask.request.path != "/oauth2/token":
            return None
        challenge = self.challenges.pop(flask.request.form.get("code", ""), "")
        verifier = flask.request.form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if not challenge or digest != challenge:
            return flask.jsonify({"error": "invalid_grant"}), 400
        self.verified += 1
        return None

    def after(self, answer: flask.Response) -> flask.Response:
        path = flask.request.path
        if path == "/oauth2/authorize" and answer.location:
            code = parse_qs(urlsplit(answer.location).query).get("code", [""])[0]
            self.challenges[code] = flask.request.args.get("code_challenge", "")
        elif path == "/.well-known/openid-configuration":
            answer.set_data(json.dumps((answer.get_json() or {}) | self.publishes))
        elif path == "/userinfo" and self.userinfo:
            answer.set_data(json.dumps((answer.get_json() or {}) | self.userinfo))
        elif path == "/oauth2/token" and answer.status_code == 200 and (self.damage or self.foreign_key):
            told = answer.get_json()
            told["id_token"] = self._signed_again(told["id_token"])
            answer.set_data(json.dumps(told))
        return answer

    def _signed_again(self, token: str) -> str:
        """The token with what an attacker changed, signed with the provider's own key, or with another of the same name."""
        claims = jwt.decode(token, options={"verify_signature": False})
        if self.damage:
            self.damage(claims)
        headers = {name: value for name, value in jwt.get_unverified_header(token).items() if name == "kid"}
        if self.algorithm == "none":
            return jwt.encode(claims, key=None, algorithm="none", headers=headers)
        if self.algorithm == "HS256":
            return jwt.encode(claims, key=SECRET, algorithm="HS256", headers=headers)
        if self.foreign_key:
            return jwt.encode(claims, key=_foreign(), algorithm="RS256", headers=headers)
        own = flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True)
        return jwt.encode(
            claims, key=jwt.PyJWK.from_dict(own | {"alg": "RS256"}).key, algorithm="RS256", headers=headers
        )


def _foreign() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def district_provider() -> Iterator[DistrictProvider]:
    """Runs until the block ends."""
    provider = DistrictProvider()
    app = oidc_provider_mock.app()
    app.before_request(provider.before)
    app.after_request(provider.after)
    server = werkzeug.serving.make_server("localhost", 0, app, threaded=True)
    provider.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def go(client: Client, key: str = "oidc", **sent: str) -> str:
    """Press the button: the address at the provider that the page continues to."""
    page = client.post(reverse("sso_start", args=[key]), sent)
    assert page.status_code == 200, page.content.decode()
    return str(page.context["address"])


def say_yes(address: str, sub: str) -> str:
    """Sign in at the provider: the address of ours that it sends the browser back to."""
    answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def come_back(client: Client, address: str, **changed: str) -> Any:
    """Open the address that the provider sent the browser to; `changed`: what somebody put into it on the way."""
    parts = urlsplit(address)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
    return client.get(f"{parts.path}?{urlencode(asked)}")


def sign_in(client: Client, sub: str, *, key: str = "oidc", **sent: str) -> Any:
    """The whole way: button, provider, back."""
    return come_back(client, say_yes(go(client, key, **sent), sub))


def signed_in(client: Client) -> Any | None:
    """Who is signed in in this browser."""
    pk = client.session.get("_auth_user_id")
    return get_user_model().objects.get(pk=pk) if pk else None
