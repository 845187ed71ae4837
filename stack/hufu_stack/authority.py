"""The stack's own certificate authority, so that TLS is verified everywhere and switched off nowhere."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hufu_stack.layout import SLOT
from hufu_stack.secret_files import write_private

LOOPBACK = tuple(sorted({"127.0.0.1", *(f"127.0.{SLOT}.{number}" for number in range(1, 7))}))
LIFETIME = dt.timedelta(days=3650)
# Apple and others refuse server certificates that live longer than 825 days.
SERVER_LIFETIME = dt.timedelta(days=820)


def ensure_authority(certificate: Path, key: Path, *, now: dt.datetime) -> None:
    """Make the authority unless it is there."""
    if certificate.exists() and key.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hufu stack authority")])
    built = (
        _builder(subject=name, issuer=name, public_key=private.public_key(), now=now, lifetime=LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    _store(built, private, certificate, key)


def issue(
    authority: Path,
    authority_key: Path,
    certificate: Path,
    key: Path,
    *,
    now: dt.datetime,
    lifetime: dt.timedelta = SERVER_LIFETIME,
) -> None:
    """Write a server certificate for localhost and the loopback addresses, signed by the authority."""
    ca = x509.load_pem_x509_certificate(authority.read_bytes())
    ca_key = serialization.load_pem_private_key(authority_key.read_bytes(), password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{authority_key} holds no elliptic-curve key")
    private = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in LOOPBACK]
    built = (
        _builder(
            subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
            issuer=ca.subject,
            public_key=private.public_key(),
            now=now,
            lifetime=lifetime,
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _store(built, private, certificate, key)


def expires_within(certificate: Path, span: dt.timedelta, *, now: dt.datetime) -> bool:
    """Tell whether the certificate is missing or ends within the span."""
    if not certificate.exists():
        return True
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc - now < span


def _builder(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _store(built: x509.Certificate, private: ec.EllipticCurvePrivateKey, certificate: Path, key: Path) -> None:
    certificate.parent.mkdir(parents=True, exist_ok=True)
    write_private(
        key,
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
