"""A SAML identity provider for tests: reads the request that people come with, and answers it, signed (by python3-saml)."""

import base64
import datetime as dt
import uuid
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from sisimport.accounts.sso.configuration import SAML, Provider

ENTITY = "https://idp.lincoln.example/saml"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
PASSWORD_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


@dataclass
class Answer:
    """What the provider says; each part can be made wrong."""

    subject: str = "rosa-0001"
    form: str = PERSISTENT
    attributes: dict[str, list[str]] = field(default_factory=dict)
    context: str = PASSWORD_CONTEXT
    audience: str = ""
    destination: str = ""
    in_response_to: str | None = None
    minutes: int = 5
    signed: bool = True
    signed_by: "TestIdP | None" = None
    changed_after: tuple[str, str] | None = None  # what an attacker replaces in the signed text


class TestIdP:
    """Key, certificate and metadata of one provider."""

    __test__ = False

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.lincoln.example")])
        start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        made = made.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2120))
        form = serialization.PrivateFormat.TraditionalOpenSSL
        self.key = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        self.certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def write_metadata(self, path: Path) -> Path:
        body = "".join(self.certificate.strip().splitlines()[1:-1])
        path.write_text(
            f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}">'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
            f"<ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            f'<md:SingleSignOnService Binding="{Constants.BINDING_HTTP_REDIRECT}" Location="{ENTITY}/sso"/>'
            "</md:IDPSSODescriptor></md:EntityDescriptor>"
        )
        return path

    def setup(self, metadata: Path, **values: Any) -> Provider:
        given: dict[str, Any] = {"key": "saml", "kind": SAML, "name": "Lincoln SAML", "entity_id": ENTITY}
        given |= {"metadata": str(metadata), "domains": frozenset({"lincoln.example"})}
        return Provider(**(given | values))

    def answer(self, address: str, answer: Answer) -> dict[str, str]:
        """The form that the provider's page posts for the request in `address`."""
        asked = parse_qs(urlsplit(address).query)["SAMLRequest"][0]
        request = ET.fromstring(zlib.decompress(base64.b64decode(asked), -15))
        acs = request.attrib["AssertionConsumerServiceURL"]
        issuer = request.find("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer").text
        to = request.attrib["ID"] if answer.in_response_to is None else answer.in_response_to
        assertion = self._assertion(answer, acs, answer.audience or issuer, to)
        if answer.signed:
            by = answer.signed_by or self
            assertion = Utils.add_sign(
                assertion,
                by.key,
                by.certificate,
                sign_algorithm=Constants.RSA_SHA256,
                digest_algorithm=Constants.SHA256,
            ).decode()
        if answer.changed_after:
            assert answer.changed_after[0] in assertion
            assertion = assertion.replace(*answer.changed_after)
        answered = f' InResponseTo="{to}"' if to else ""
        text = (
            '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
            f' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{uuid.uuid4().hex}" Version="2.0"'
            f' IssueInstant="{_moment(0)}" Destination="{answer.destination or acs}"{answered}>'
            f"<saml:Issuer>{ENTITY}</saml:Issuer><samlp:Status><samlp:StatusCode"
            f' Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{assertion}</samlp:Response>'
        )
        return {"SAMLResponse": base64.b64encode(text.encode()).decode(), "RelayState": ""}

    def _assertion(self, answer: Answer, acs: str, audience: str, to: str) -> str:
        until = _moment(answer.minutes)
        told = "".join(
            f'<saml:Attribute Name="{escape(name)}">'
            + "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in answer.attributes.items()
        )
        answered = f' InResponseTo="{to}"' if to else ""
        return (
            f'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{uuid.uuid4().hex}"'
            f' Version="2.0" IssueInstant="{_moment(0)}"><saml:Issuer>{ENTITY}</saml:Issuer><saml:Subject>'
            f'<saml:NameID Format="{answer.form}">{escape(answer.subject)}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData{answered} NotOnOrAfter="{until}" Recipient="{acs}"/>'
            f'</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{_moment(-10)}"'
            f' NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>'
            f'</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{_moment(0)}"'
            f' SessionIndex="_{uuid.uuid4().hex}"><saml:AuthnContext><saml:AuthnContextClassRef>{answer.context}'
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f"<saml:AttributeStatement>{told}</saml:AttributeStatement></saml:Assertion>"
        )


def _moment(minutes: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
