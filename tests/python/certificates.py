"""Certificates for tests: authorities of their own, valid for this machine's loopback address."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
HOSTS = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as files in PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; `root` is the file by which it is trusted."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, subject(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        basics = x509.BasicConstraints(ca=True, path_length=0)
        signed = builder(self._name, self._name, self._key, DAY).add_extension(basics, critical=True)
        self.root = folder / f"{name}-root.pem"
        self.root.write_bytes(pem(signed.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, valid: datetime.timedelta = DAY) -> Identity:
        """A certificate for `name` at this machine, for servers and for clients; one that is valid for a negative time has
        expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = builder(subject(name), self._name, key, valid)
        made = made.add_extension(x509.SubjectAlternativeName(HOSTS), critical=False)
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        identity.certificate.write_bytes(pem(made.sign(self._key, hashes.SHA256())))
        identity.key.touch(mode=0o600)
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return identity


def serial_number(certificate: bytes) -> int:
    """Tells a certificate, in DER, from others."""
    return x509.load_der_x509_certificate(certificate).serial_number


def serial_number_of(identity: Identity) -> int:
    """The same of a file."""
    return x509.load_pem_x509_certificate(identity.certificate.read_bytes()).serial_number


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def builder(name: x509.Name, issuer: x509.Name, key, valid: datetime.timedelta) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(now + valid)
    )


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
