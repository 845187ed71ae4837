"""The composition root of worker, relay and clock: the one place where work meets the real targets."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from hufu_registry.bootstrap import SqlServices, build_services
from hufu_registry.cases.use_cases import report_collision
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.settings import secret
from hufu_sync.converge import Converger
from hufu_sync.drain import Drain, Rhythm
from hufu_sync.health import Heart, Metrics
from hufu_sync.jobs import QUEUE
from hufu_sync.reading import Shape
from hufu_sync.sending import NoticeSender
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.active_directory import ActiveDirectory, domain_name
from hufu_sync.targets.keycloak import Keycloak
from hufu_sync.targets.mail import SmtpPost
from hufu_sync.targets.port import Directory, Post, SignInServer


@dataclass(frozen=True, slots=True)
class Targets:
    """New connections to the targets; `directory` is None where Keycloak keeps the users itself."""

    directory: Directory | None
    sign_in: SignInServer
    post: Post


def build_targets(settings: SyncSettings) -> Targets:
    directory = settings.directory_settings()
    return Targets(
        directory=None if directory is None else ActiveDirectory(directory),
        sign_in=Keycloak(settings.keycloak_settings()),
        post=SmtpPost(settings.mail_settings()),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process of the worker's family is made of."""

    settings: SyncSettings
    services: SqlServices
    heart: Heart
    metrics: Metrics


def build_parts(settings: SyncSettings) -> Parts:
    return Parts(settings, build_services(settings), Heart(), Metrics())


def build_drains(parts: Parts, targets: Targets, on_done: Callable[[], None]) -> dict[Target, Drain]:
    """One a target; each target's connection is used by its drain's thread only."""
    settings, services = parts.settings, parts.services
    lease = timedelta(seconds=settings.lease_seconds)
    rhythm = Rhythm(lease, timedelta(seconds=settings.probe_seconds), timedelta(seconds=settings.paused_probe_seconds))
    with_directory = targets.directory is not None

    def collided(key: OutboxKey) -> None:
        if key.kind is Kind.ACCOUNT:
            report_collision(AccountId(UUID(key.object_id)), services, SYSTEM)

    def drain(target: Target, work: Converger | NoticeSender, probe: Directory | SignInServer | Post) -> Drain:
        return Drain(
            services=services,
            target=target,
            work=work,
            probe=probe,
            rhythm=rhythm,
            dice=random.random,
            on_done=on_done,
            on_collision=collided,
            heart=parts.heart,
            metrics=parts.metrics,
        )

    sign_in = Converger(services, Shape(Target.KEYCLOAK, with_directory), targets.sign_in, targets.sign_in, lease)
    drains = {
        Target.KEYCLOAK: drain(Target.KEYCLOAK, sign_in, targets.sign_in),
        Target.MAIL: drain(Target.MAIL, NoticeSender(services, targets.post, settings.console_url), targets.post),
    }
    if targets.directory is not None:
        shape = Shape(Target.AD, with_directory=True, domain=domain_name(settings.ldap_base_dn))
        directory = Converger(services, shape, targets.directory, None, lease)
        drains[Target.AD] = drain(Target.AD, directory, targets.directory)
    return drains


def build_redis(settings: SyncSettings) -> redis.Redis:
    return redis.Redis.from_url(
        settings.redis_url,
        password=secret(settings.redis_password_file).get_secret_value(),
        socket_connect_timeout=3,
        socket_keepalive=True,
    )


def build_queue(connection: redis.Redis) -> Queue:
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)
