"""What Java trusts when it fetches: the certificates that everything else here trusts.

Java reads no PEM and none of the usual variables, so behind a proxy with a certificate of
its own it alone would fail.
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)

#: Debian's and Fedora's bundles in Java's own form.
JAVA_STORES = (Path("/etc/ssl/certs/java/cacerts"), Path("/etc/pki/java/cacerts"))
PASSWORD = "changeit"  # noqa: S105  Java's own default; certificates of authorities are no secret


def options(folder: Path, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Give Java's options for HTTPS: the truststore, and the proxy of `HTTPS_PROXY`.

    Parameters
    ----------
    folder : Path
        Where a truststore is made of a PEM bundle.
    """
    words = _proxy(environment.get("HTTPS_PROXY") or environment.get("https_proxy") or "")
    named = environment.get("SSL_CERT_FILE") or environment.get("REQUESTS_CA_BUNDLE")
    found = next((store for store in JAVA_STORES if store.is_file()), None)
    if named and Path(named).is_file():
        found = _store(Path(named), folder)
    elif found is None and (bundle := ssl.get_default_verify_paths().cafile):
        found = _store(Path(bundle), folder)
    if found:
        words += [f"-Djavax.net.ssl.trustStore={found}"]
        words += [f"-Djavax.net.ssl.trustStorePassword={PASSWORD}"]
    return words


def _proxy(url: str) -> list[str]:
    parts = urlsplit(url)
    if not parts.hostname:
        return []
    return [f"-Dhttps.proxyHost={parts.hostname}", f"-Dhttps.proxyPort={parts.port or 80}"]


def _store(bundle: Path, folder: Path) -> Path:
    """Write the certificates of a PEM bundle as a truststore that Java reads."""
    with warnings.catch_warnings(action="ignore"):  # on old authorities' serial numbers
        certificates = x509.load_pem_x509_certificates(bundle.read_bytes())
    named = [pkcs12.PKCS12Certificate(c, str(i).encode()) for i, c in enumerate(certificates)]
    locked = BestAvailableEncryption(PASSWORD.encode())
    made = folder / "truststore.p12"
    made.write_bytes(pkcs12.serialize_java_truststore(named, locked))
    return made
