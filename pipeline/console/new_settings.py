"""A settings file for somebody who begins: few answers, and comments where more can be said. Pure.

No password is ever written: user and password of a camera's address go into a variable that the file names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from pipeline.capture.spec import CameraKind
from pipeline.capture.uri import camera_specs
from pipeline.errors import UsageError
from pipeline.policy.check import FORBIDDEN
from pipeline.settings import CameraSettings, KafkaSettings, PlaceKind

TRY_CAMERA = "synthetic:?people=1&seed=1&id=try-out"
FPS = 5  # enough to follow people; more costs more


@dataclass(frozen=True)
class Answers:
    """`cameras`: URIs. `alerts`: whether rules for care are wanted."""

    site: str
    timezone: str
    purpose: str
    setting: PlaceKind
    cameras: Sequence[str]
    alerts: bool


@dataclass(frozen=True)
class CameraLine:
    """A camera as it is written. `variable`: what holds user:password, "" where none is needed."""

    uri: str
    id: str
    live: bool
    variable: str = ""


def cameras(uris: Sequence[str]) -> list[CameraLine]:
    """Ids, and no passwords. Raises UsageError naming the camera."""
    specs = camera_specs([CameraSettings(uri=uri) for uri in uris])
    lines = []
    for uri, spec in zip(uris, specs, strict=True):
        plain, variable = uri.strip(), ""
        if spec.kind is CameraKind.NETWORK:
            url = urlsplit(plain)
            if "@" in url.netloc:
                plain = urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))
                variable = "CAMERA_" + re.sub(r"\W", "_", spec.id, flags=re.ASCII).upper()
            if "=***" in spec.public_uri:
                hint = "leave it out here; the list of cameras with it goes into the variable EMOSTREAM_CAMERAS"
                raise UsageError(f"camera {spec.public_uri}: its address holds a token or password", hint)
        lines.append(CameraLine(plain, spec.id, spec.kind in (CameraKind.NETWORK, CameraKind.WEBCAM), variable))
    return lines


def text(answers: Answers, file: str) -> str:
    """The file. `file`: its name, for the comments. Raises UsageError naming the camera that is wrong."""
    head = [*_head(answers, file), *_policy(answers, file), *_cameras(answers)]
    return "\n".join([*head, *_kept(file), ACCESS, *_rules(answers)]) + "\n"


def _head(answers: Answers, file: str) -> Iterator[str]:
    yield f"# Settings of emostream. Every field is in docs/settings.md; `emostream doctor -c {file}` checks them."
    yield f"#   emostream up --local -c {file}"
    yield ""
    yield f"site: {_quoted(answers.site)}"
    yield f"timezone: {_quoted(answers.timezone)}  # days of reports begin and end there"
    yield ""


def _policy(answers: Answers, file: str) -> Iterator[str]:
    yield "# What faces are read for: without it nothing starts. People who are filmed must be told;"
    yield f"# `emostream policy notice -c {file}` writes a notice. docs/policy.md says what is allowed where."
    yield "policy:"
    yield f"  purpose: {_quoted(answers.purpose)}"
    yield f"  setting: {answers.setting}"
    if answers.setting in FORBIDDEN:
        yield "  # Forbidden here but for medical or safety reasons. It starts once the exception is recorded:"
        yield "  # exception:"
        yield "  #   kind: safety                # or medical"
        yield "  #   reference: ...              # the document that explains it"
        yield "  #   person: ...                 # who is responsible for it"
    yield "  # operator: ...                 # who runs this, as the notice is to name it"
    yield "  # contact: ...                  # whom people may ask, and how"
    yield ""


def _cameras(answers: Answers) -> Iterator[str]:
    lines = cameras(answers.cameras or [TRY_CAMERA])
    if any(line.variable for line in lines):
        yield "# Passwords are not in this file: each variable named here holds user:password where capture runs."
    yield "cameras:"
    for line in lines:
        fields = [f"uri: {_quoted(line.uri)}", f"id: {_quoted(line.id)}"]
        fields += [f"fps: {FPS}"] if line.live else []
        fields += [f"credentials: env:{line.variable}"] if line.variable else []
        yield f"  - {{{', '.join(fields)}}}"
    yield ""
    yield "# Parts of pictures with figures of their own; corners as fractions of the picture's width and height."
    yield "# zones:"
    yield f"#   - {{id: bed, camera: {lines[0].id}, polygon: [[0, 0.4], [0.5, 0.4], [0.5, 1], [0, 1]]}}"
    yield "# Parts that nobody is to see are blacked out with `masks` of a camera."
    yield ""


def _kept(file: str) -> Iterator[str]:
    kafka = KafkaSettings()
    yield f"# How long pictures and what is read in them are kept; `emostream privacy report -c {file}` says more."
    yield "# kafka:"
    for field in ("frames_retention_minutes", "previews_retention_minutes", "events_retention_days"):
        yield f"#   {field}: {getattr(kafka, field):g}"
    yield ""


def _rules(answers: Answers) -> Iterator[str]:
    if not answers.alerts:
        yield "# Rules that call somebody: docs/alerts.md. That a camera gives nothing is told without any."
        return
    yield CARE_RULES


def _quoted(value: str) -> str:
    """As YAML takes it, whatever is in it."""
    return json.dumps(value, ensure_ascii=False)


ACCESS = """\
# The page and the API are open to whoever works on this machine, and to nobody else. Others come in with a token:
# `openssl rand -hex 32` makes one, and a variable holds it where `emostream up` runs. docs/api.md has more.
# dashboard:
#   host: 0.0.0.0
# api:
#   tokens:
#     - {name: ward, role: viewer, token: env:WARD_TOKEN}       # operator: may also change things
"""

CARE_RULES = """\
# Rules that call somebody to look in, in person; docs/alerts.md explains them, deploy/examples/care.yaml has more.
# Try them for some weeks before anybody relies on them. No alert is not the same as being well.
alerts:
  - id: distress
    title: Apparent distress, please look in
    measure: share
    expressions: [angry, disgust, fear, sad]
    above: 0.6                # most of what is read looks like that,
    clear: 0.3
    for_seconds: 180          # for three minutes
    clear_for_seconds: 120
    min_told: 30              # with 30 readings a minute, at least
    severity: critical

  - id: distress-for-this-room
    title: More apparent distress than is usual in this room
    window: 300s/60s
    measure: share
    expressions: [angry, disgust, fear, sad]
    against: baseline         # what is usual here is learned over a day
    above: 4
    clear: 2
    for_seconds: 600
    clear_for_seconds: 300
    min_told: 100
    baseline_windows: 240
    severity: warning"""
