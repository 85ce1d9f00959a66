"""The grants of `pipeline.kafka.grants` as ACLs on the brokers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLFilter, ACLOperation, ACLPermissionType, ResourcePattern, ResourcePatternFilter
from kafka.admin import ACLResourcePatternType as Pattern
from kafka.admin import ResourceType as Type
from kafka.errors import NoError, SecurityDisabledError

from pipeline.errors import DependencyError, UsageError
from pipeline.kafka.clients import admin, errors_of
from pipeline.kafka.grants import Grant, grants
from pipeline.settings import KafkaSettings, Settings

HINT = "a super user of the brokers has to apply them"
ANYWHERE = "*"  # hosts: who may reach the brokers at all is the network's affair


@dataclass(frozen=True, order=True)
class Right:
    """`user`: without Kafka's "User:" before it."""

    user: str
    grant: Grant


def planned(settings: Settings, roles: Sequence[str], user: str) -> list[Right]:
    """`user`: who a role is to Kafka, with {role} for its name. Raises UsageError where it names nobody."""
    name = user.replace("{role}", "role")
    if not name or set(name) & set("{}*"):
        raise UsageError(f"--user: {user!r} names nobody", "such as emostream-{role}")
    return sorted({Right(user.replace("{role}", role), grant) for role in roles for grant in grants(settings, role)})


def told(right: Right) -> str:
    grant = right.grant
    return f"User:{right.user} {grant.operation} {grant.kind} {grant.name}{ANYWHERE if grant.prefixed else ''}"


def apply(kafka: KafkaSettings, wanted: Iterable[Right]) -> tuple[list[Right], list[Right]]:
    """Adds what is missing and takes away what else these users have; returns both. Raises DependencyError."""
    asked = {_acl(right): right for right in wanted}
    users = {right.user for right in asked.values()}
    client = admin(kafka)
    try:
        with errors_of(kafka):
            there = {acl for user in users for acl in _of(client, user)}
            missing, surplus = [acl for acl in asked if acl not in there], sorted(there - asked.keys(), key=repr)
            if missing and (failed := client.create_acls(missing)["failed"]):
                raise DependencyError(f"Kafka takes no ACLs of this user ({failed[0]!r})", HINT)
            for _, _, error in client.delete_acls([_exactly(acl) for acl in surplus]) if surplus else ():
                if error is not NoError:
                    raise DependencyError(f"Kafka takes no ACLs of this user ({error!r})", HINT)
    except SecurityDisabledError:
        hint = "give the brokers authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        raise DependencyError("these brokers have no authorizer: anybody may do anything", hint) from None
    finally:
        client.close()
    return [asked[acl] for acl in missing], [_right(acl) for acl in surplus]


def _of(client: KafkaAdminClient, user: str) -> list[ACL]:
    everything = ResourcePatternFilter(Type.ANY, None, Pattern.ANY)
    found, _ = client.describe_acls(
        ACLFilter(f"User:{user}", None, ACLOperation.ANY, ACLPermissionType.ANY, everything)
    )
    return list(found)


def _acl(right: Right) -> ACL:
    grant = right.grant
    pattern = ResourcePattern(
        Type[_constant(grant.kind)], grant.name, Pattern.PREFIXED if grant.prefixed else Pattern.LITERAL
    )
    operation = ACLOperation[_constant(grant.operation)]
    return ACL(f"User:{right.user}", ANYWHERE, operation, ACLPermissionType.ALLOW, pattern)


def _right(acl: ACL) -> Right:
    """Of one that is there, whoever made it."""
    pattern = acl.resource_pattern
    kind, operation = (each.name.lower().replace("_", "-") for each in (pattern.resource_type, acl.operation))
    if acl.permission_type is not ACLPermissionType.ALLOW:
        operation = f"not {operation}"
    prefixed = pattern.pattern_type is Pattern.PREFIXED
    return Right(acl.principal.removeprefix("User:"), Grant(kind, pattern.resource_name, operation, prefixed))


def _exactly(acl: ACL) -> ACLFilter:
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)


def _constant(word: str) -> str:
    return word.upper().replace("-", "_")
