"""Certificates for services that only know each other: `python -m sisimport.runtime.certificates FOLDER NAME…`.

    ca.crt      trusted by clients; ca.key signs, and is readable only by its owner
    NAME.crt    of the service with this name on its network; NAME.key, also readable by the given group

When run again, existing files are kept, or replaced if fewer than 90 days are left. Independent of Django and its settings.
"""

import argparse
import datetime as dt
import ipaddress
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS, SERVICE_DAYS, RENEW_DAYS = 3650, 825, 90
_CLOCKS_DIFFER = dt.timedelta(hours=1)


def make_certificates(folder: Path, names: Sequence[str], *, group: int | None = None) -> list[str]:
    """Make certificates that are missing or expire soon. group: a group id that may read the services' keys. Returns the new
    names."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    made = []
    if not _is_good(folder, "ca"):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, "ca", key, _ca(key), group=None)
        made.append("ca")
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    for name in names:
        if "ca" in made or not _is_good(folder, name):
            key = ec.generate_private_key(ec.SECP256R1())
            _write(folder, name, key, _of_service(name, key, ca, cast(ec.EllipticCurvePrivateKey, signer)), group=group)
            made.append(name)
    return made


def _is_good(folder: Path, name: str) -> bool:
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    if not certificate.exists() or not key.exists():
        return False
    ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    return ends - dt.datetime.now(dt.UTC) > dt.timedelta(days=RENEW_DAYS)


def _ca(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SIS Import, its own CA")])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        _begun(subject, subject, key, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _of_service(
    name: str, key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        _begun(subject, ca.subject, key, SERVICE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _write(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, *, group: int | None
) -> None:
    """Write key and certificate, each completely or not at all; the key is never readable by more users than intended."""
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    aside = folder / f".{name}.key"
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(plain)
    if group is not None:
        os.chown(aside, -1, group)
        aside.chmod(0o640)
    aside.replace(folder / f"{name}.key")
    aside = folder / f".{name}.crt"
    aside.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    aside.chmod(0o644)
    aside.replace(folder / f"{name}.crt")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="sisimport.runtime.certificates", description="Makes a CA and certificates of it."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+", help="what the services are called on their network")
    parser.add_argument("--group", type=int, help="id of a group that may read the services' keys")
    given = parser.parse_args(arguments)
    made = make_certificates(given.folder, given.names, group=given.group)
    sys.stdout.write(f"New: {', '.join(made)}\n" if made else "All certificates are valid.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
