"""The composition root of worker, relay and scheduler: the one place where work meets the real targets."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from hufu_registry.bootstrap import SqlServices, build_services, notice_templates
from hufu_registry.cases.use_cases import report_collision
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.settings import secret
from hufu_registry.sync.model.desired import DirectorySchema, KeycloakSchema
from hufu_sync.converge import Converger
from hufu_sync.converge.one_time_actions import DirectoryActions, SignInActions
from hufu_sync.desired_state import TargetConfig
from hufu_sync.health import Heart, Metrics
from hufu_sync.jobs import QUEUE
from hufu_sync.lane import ClaimThrottle, Lane, LaneTiming, Probe, TargetHealth
from hufu_sync.sending import NoticeSender
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.dn import domain_name
from hufu_sync.targets.keycloak import Keycloak
from hufu_sync.targets.mail import SmtpPost
from hufu_sync.targets.port import Directory, Post, SignInServer


@dataclass(frozen=True, slots=True)
class Targets:
    """New connections to the targets, for one thread; `directory` is None where Keycloak keeps the users itself."""

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


def build_convergers(parts: Parts, targets: Targets) -> dict[Target, Converger]:
    """Active Directory first, where there is one: the order in which work goes on."""
    settings, services = parts.settings, parts.services
    lease = timedelta(seconds=settings.lease_seconds)
    directory, sign_in = targets.directory, targets.sign_in
    convergers: dict[Target, Converger] = {}
    if directory is not None:
        schema = DirectorySchema(domain_name(settings.ldap_base_dn))
        config = TargetConfig(Target.AD, with_directory=True, schema=schema)
        actions = DirectoryActions(directory)
        convergers[Target.AD] = Converger(services, config, directory, actions, lease, directory.lockout_duration)
    with_directory = directory is not None
    config = TargetConfig(Target.KEYCLOAK, with_directory=with_directory, schema=KeycloakSchema(with_directory))
    convergers[Target.KEYCLOAK] = Converger(services, config, sign_in, SignInActions(sign_in), lease)
    return convergers


def build_lanes(parts: Parts, build: Callable[[], Targets]) -> dict[Target, list[Lane]]:
    """The lanes of each target, each with its own connections; the first of several takes people's single acts only."""
    settings, services = parts.settings, parts.services
    timing = LaneTiming(
        lease=timedelta(seconds=settings.lease_seconds),
        probe=timedelta(seconds=settings.probe_seconds),
        paused_probe=timedelta(seconds=settings.paused_probe_seconds),
        batch=settings.batch_rows,
    )
    lanes: dict[Target, list[Lane]] = {target: [] for target in Target}

    def wake(*targets: Target) -> None:
        for target in targets:
            for lane in lanes[target]:
                lane.wake()

    def collided(key: OutboxKey) -> None:
        if key.kind is Kind.ACCOUNT:
            report_collision(AccountId(UUID(key.object_id)), services, SYSTEM)

    health = {
        target: TargetHealth(services, target, timing, parts.metrics, on_return=partial(wake, target))
        for target in Target
    }
    throttle = {target: ClaimThrottle() for target in Target}
    # What may be due in which targets when something was done in one.
    follow = {Target.AD: (Target.AD, Target.KEYCLOAK), Target.KEYCLOAK: (Target.KEYCLOAK,), Target.MAIL: ()}

    def add(target: Target, work: Converger | NoticeSender, probe: Probe, count: int) -> None:
        number = len(lanes[target]) + 1
        is_reserved = count > 1 and number == 1
        lanes[target].append(
            Lane(
                name=f"{target.value}-{number}",
                services=services,
                target=target,
                work=work,
                probe=probe,
                health=health[target],
                throttle=ClaimThrottle() if is_reserved else throttle[target],
                timing=timing,
                dice=random.random,
                on_done=partial(wake, *follow[target]),
                on_collision=collided,
                heart=parts.heart,
                metrics=parts.metrics,
                bulk=False if is_reserved else None,
            )
        )

    for target, count in ((Target.AD, settings.ad_lanes), (Target.KEYCLOAK, settings.keycloak_lanes)):
        for _ in range(count):
            converger = build_convergers(parts, build()).get(target)
            if converger is not None:
                add(target, converger, converger.target, count)
    post = build().post
    sender = NoticeSender(services, notice_templates(), post, settings.console_url, timing.lease)
    add(Target.MAIL, sender, post, 1)
    return lanes


def build_redis(settings: SyncSettings) -> redis.Redis:
    return redis.Redis.from_url(
        settings.redis_url,
        password=secret(settings.redis_password_file).get_secret_value(),
        socket_connect_timeout=3,
        socket_keepalive=True,
    )


def build_queue(connection: redis.Redis) -> Queue:
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)
