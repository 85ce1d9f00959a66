"""Why a broker does not let us in.

kafka-python tells of a failed handshake in its log alone; what it raises says that no broker answers. So once it has
failed, the first steps of Kafka's protocol are made again here, by hand, and what goes wrong is said with the setting
that it hangs on.
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress

from pipeline.errors import DependencyError
from pipeline.kafka.security import SECTION, context, password
from pipeline.settings import KafkaSettings

SECONDS = 5.0
LARGEST = 2**20  # bytes of an answer
API_VERSIONS, METADATA, SASL_HANDSHAKE, SASL_AUTHENTICATE = (18, 0), (3, 1), (17, 1), (36, 0)  # key, version
UNSUPPORTED_MECHANISM, ILLEGAL_STATE = 33, 34
Address = tuple[str, int]
CLOCK = "or is this machine's clock wrong?"


def why(kafka: KafkaSettings) -> DependencyError | None:
    """Of the first broker of `kafka.bootstrap` that listens; None where nothing is wrong, or none listens."""
    for at in kafka.addresses:
        try:
            connection = socket.create_connection(at, SECONDS)
        except OSError:
            continue
        with connection:
            try:
                _enter(kafka, connection, at)
            except DependencyError as error:
                return DependencyError(f"Kafka at {at[0]}:{at[1]}: {error.message}", error.hint)
            except (OSError, struct.error, ValueError, KeyError):  # nobody answers, or nobody of Kafka's kind
                return None
        return None
    return None


def _enter(kafka: KafkaSettings, connection: socket.socket, at: Address) -> None:
    security, host = kafka.security, at[0]
    if not security.tls:
        try:
            _ask(connection, API_VERSIONS)
            _ask(connection, METADATA, struct.pack(">i", 0))
        except TimeoutError:
            raise
        except OSError:
            if not _speaks_tls(at):
                raise
            what = f"it wants TLS, and {SECTION}.protocol is PLAINTEXT"
            raise DependencyError(what, "SSL or SASL_SSL, please") from None
        return
    try:
        secured = context(security).wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise _not_trusted(error, host, str(security.ca_file or "the system's authorities")) from None
    except TimeoutError:
        raise
    except OSError as error:
        what = f"it does not speak TLS, and {SECTION}.protocol is {security.protocol} ({error})"
        raise DependencyError(what, "is that the port of its TLS listener?") from None
    with secured:
        try:
            _ask(secured, API_VERSIONS)
        except ssl.SSLError as error:
            raise _certificate_refused(kafka, error) from None
        if security.sasl:
            _log_in(kafka, secured)
        else:
            try:
                _ask(secured, METADATA, struct.pack(">i", 0))
            except (ConnectionError, ssl.SSLError):
                what = f"it wants a password, and {SECTION}.protocol is SSL"
                raise DependencyError(what, "SASL_SSL, with username and password, please") from None


def _log_in(kafka: KafkaSettings, secured: ssl.SSLSocket) -> None:
    from kafka.net.sasl import get_sasl_mechanism

    security = kafka.security
    name = security.mechanism.encode()
    answer = _ask(secured, SASL_HANDSHAKE, struct.pack(">h", len(name)) + name)
    (code,) = struct.unpack_from(">h", answer)
    if code == UNSUPPORTED_MECHANISM:
        offered = ", ".join(_strings(answer[2:])) or "none"
        raise DependencyError(f"{SECTION}.mechanism: it takes no {security.mechanism}", f"it takes: {offered}")
    if code == ILLEGAL_STATE:
        what = f"it asks for no password, and {SECTION}.protocol is SASL_SSL"
        raise DependencyError(what, "SSL, or the port of its SASL listener, please")
    exchange = get_sasl_mechanism(security.mechanism)(
        host="",
        security_protocol=security.protocol,
        sasl_mechanism=security.mechanism,
        sasl_plain_username=security.username,
        sasl_plain_password=password(security),
    )
    while not exchange.is_done():
        token = exchange.auth_bytes()
        answer = _ask(secured, SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        code, length = struct.unpack_from(">hh", answer)
        if code:
            what = f"{SECTION}.username, {SECTION}.password: {security.username} is refused ({security.mechanism})"
            raise DependencyError(what, "has the broker this user, with this password, for this mechanism?")
        exchange.receive(answer[4 + max(length, 0) + 4 :])


def _speaks_tls(at: Address) -> bool:
    """Asked over a connection of its own, on which nothing is said and nothing is trusted."""
    with suppress(OSError):
        looks = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        looks.check_hostname = False
        looks.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(at, SECONDS) as another,
            looks.wrap_socket(another, server_hostname=at[0]),
        ):
            return True
    return False


def _not_trusted(error: ssl.SSLCertVerificationError, host: str, authorities: str) -> DependencyError:
    reason = error.verify_message
    if "expired" in reason or "not yet valid" in reason:
        return DependencyError(f"its certificate is not valid now ({reason})", f"renew it; {CLOCK}")
    if "ostname mismatch" in reason or "IP address mismatch" in reason:
        what = f"its certificate is not for {host} ({reason})"
        return DependencyError(what, "kafka.bootstrap has to name a host that the certificate names")
    what = f"{SECTION}.ca_file: its certificate comes from none of {authorities} ({reason})"
    return DependencyError(what, "name the file of the authority that signed the brokers' certificates")


def _certificate_refused(kafka: KafkaSettings, error: ssl.SSLError) -> DependencyError:
    """TLS 1.3 tells so after its handshake."""
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if kafka.security.certificate is None:
        what = f"{SECTION}.certificate: it wants one, and none is named ({reason})"
        return DependencyError(what, f"name {SECTION}.certificate and {SECTION}.key")
    what = f"{SECTION}.certificate: {kafka.security.certificate} is refused ({reason})"
    return DependencyError(what, f"has it expired, and does the broker know who signed it? {CLOCK}")


def _ask(connection: socket.socket, what: tuple[int, int], body: bytes = b"") -> bytes:
    """The body of the answer. Raises OSError where the broker hangs up or says nothing."""
    message = struct.pack(">hhih", *what, 1, -1) + body
    connection.sendall(struct.pack(">i", len(message)) + message)
    (length,) = struct.unpack(">i", _exactly(connection, 4))
    if not 4 <= length <= LARGEST:
        raise OSError("no answer of Kafka's")
    return _exactly(connection, length)[4:]


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            raise ConnectionResetError("hung up")
        parts += part
    return parts


def _strings(field: bytes) -> list[str]:
    (count,) = struct.unpack_from(">i", field)
    found, at = [], 4
    for _ in range(count):
        (length,) = struct.unpack_from(">H", field, at)
        found.append(field[at + 2 : at + 2 + length].decode(errors="replace"))
        at += 2 + length
    return found
