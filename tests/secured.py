"""A real broker that lets nobody in unknown: TLS, SCRAM, PLAIN, client certificates, and ACLs that deny by default."""

from __future__ import annotations

import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from pipeline.errors import DependencyError
from pipeline.kafka.clients import admin
from pipeline.local import jars, java, kafka
from pipeline.local.folders import new_run
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.settings import KafkaSettings, SecuritySettings
from tests.certificates import Authority

READY_SECONDS = 90.0
ADMIN, PLAIN_USER = "site-admin", "plain-user"
CLEAR, PASSWORDS, CERTIFICATES, CONTROLLER = "CLEAR", "PASSWORDS", "CERTIFICATES", "CONTROLLER"

# The controllers' listener takes certificates only, too: what comes over it is a super user.
TOLD = """
listener.security.protocol.map=CLEAR:PLAINTEXT,PASSWORDS:SASL_SSL,CERTIFICATES:SSL,CONTROLLER:SSL
listeners={listeners}
advertised.listeners={listeners}
inter.broker.listener.name=CERTIFICATES
ssl.keystore.type=PEM
ssl.keystore.location={both}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
listener.name.certificates.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
listener.name.passwords.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.passwords.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.passwords.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_{plain}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:localhost;User:{admin}
"""
AUTHORIZER_LOG = """
logger.authorizer.name=kafka.authorizer.logger
logger.authorizer.level=debug
"""


class SecuredKafka:
    """A context manager. `admin`: settings of the super user; `log`: where each decision of the authorizer stands.

    Passwords are in variables of this process, as roles get them. The listener CLEAR has no ACL that lets anybody in:
    its users are anonymous.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = Authority(folder, "site")
        self._own = self.authority.issue("localhost", LOOPBACK)
        self._variables: list[str] = []

    def __enter__(self) -> Self:
        self.run = new_run(self._folder)
        self.log = self.run.logs / kafka.LOG
        clear, passwords, certificates, controller = free_ports(4)
        self.ports = {CLEAR: clear, PASSWORDS: passwords, CERTIFICATES: certificates}
        listeners = [f"{name}://{LOOPBACK}:{port}" for name, port in {**self.ports, CONTROLLER: controller}.items()]
        ours = TOLD.format(
            listeners=",".join(listeners),
            both=self._own.both,
            ca=self.authority.file,
            plain=PLAIN_USER,
            password=self.remember(PLAIN_USER),
            admin=ADMIN,
        )
        told = kafka.properties(self.run, clear, controller) + ours
        scram = f"SCRAM-SHA-512=[name={ADMIN},password={self.remember(ADMIN)}]"
        classpath = jars.fetch(jars.folder(), jars.read_lock())
        options = ("--standalone", "--add-scram", scram)
        self._broker = kafka.formatted(java.find(), classpath, self.run, told, passwords, kafka.cluster_id(), *options)
        with (self.run.kafka / "log4j2.properties").open("a") as logging:
            logging.write(AUTHORIZER_LOG)
        self._broker.start()
        try:
            self._await()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._broker.stop()
        self.run.close()
        for variable in self._variables:
            os.environ.pop(variable, None)

    def remember(self, user: str) -> str:
        """A new password of a user, in its variable."""
        variable = _variable(user)
        self._variables.append(variable)
        os.environ[variable] = secrets.token_hex(16)
        return os.environ[variable]

    def add(self, *users: str) -> None:
        """Users with SCRAM passwords of their own, once the broker knows them."""
        added = [
            UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, self.remember(user)) for user in users
        ]
        client = admin(self.settings(ADMIN))
        refused = {user: why for user, why in client.alter_user_scram_credentials(added).items() if why}
        client.close()
        assert not refused, refused

    def settings(self, user: str, **changes: object) -> KafkaSettings:
        """Of a client that logs in as this user. `changes`: of its security."""
        given = {
            "protocol": "SASL_SSL",
            "ca_file": self.authority.file,
            "username": user,
            "password": f"env:{_variable(user)}",
        }
        return self.at(PASSWORDS, **{**given, **changes})

    def at(self, listener: str, **security: object) -> KafkaSettings:
        return KafkaSettings(
            bootstrap=f"{LOOPBACK}:{self.ports[listener]}",
            partitions=3,
            security=SecuritySettings.model_validate(security),
        )

    def _await(self) -> None:
        give_up = time.monotonic() + READY_SECONDS
        pause = threading.Event()
        while time.monotonic() < give_up and self._broker.process.running():
            with suppress(DependencyError):
                admin(self.settings(ADMIN)).close()
                return
            pause.wait(0.2)
        raise DependencyError("the secured broker does not answer", f"its log is {self.log}")


def _variable(user: str) -> str:
    return f"KAFKA_PASSWORD_OF_{user.upper().replace('-', '_')}"
