"""Camera URIs: from the text a user writes to a `CameraSpec`.

Pure but for what the caller answers: `exists`, as a file name may hold a question mark, and only the disk knows whether
`what?.mp4` is a name or a name and a query; and `environ`, which holds passwords.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import SplitResult, parse_qsl, quote, unquote, unquote_plus, urlsplit, urlunsplit

from pipeline.capture.spec import CameraKind, CameraSpec, Size
from pipeline.errors import UsageError
from pipeline.masks import polygons
from pipeline.settings import NAME, CameraSettings

Exists = Callable[[str], bool]

OWN = ("id", "fps", "loop", "realtime")
FORMS = "rtsp://, rtsps://, http://, https://, a file, a folder or glob of images, webcam:0, synthetic:?people=2"
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_QUERY = re.compile(r"(?:&?\w+=[^&/]*(?:&\w+=[^&/]*)*)?")  # in one way only: no text is long in matching
_SECRET = re.compile(r"pass|pwd|token|key|auth|secret|sig|user|login|cred", re.IGNORECASE)
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def camera_specs(
    cameras: Iterable[CameraSettings], exists: Exists = os.path.exists, environ: Mapping[str, str] = os.environ
) -> list[CameraSpec]:
    """One spec a camera, in order, with ids that differ. Raises UsageError naming the camera and the parameter.

    A camera without an id takes the name of its file, host or kind; a second one of that name gets a suffix.
    """
    parsed = [_parse(_with_credentials(camera, environ), exists) for camera in cameras]
    taken: set[str] = set()
    for spec, named in parsed:
        if named and spec.id in taken:
            raise UsageError(f"camera {spec.public_uri}: id={spec.id} is used twice", "give each camera its own id")
        if named:
            taken.add(spec.id)
    specs = []
    for spec, named in parsed:
        camera_id = spec.id if named else _free_id(spec, taken)
        taken.add(camera_id)
        specs.append(CameraSpec(**{**spec.__dict__, "id": camera_id}))
    return specs


def redact(text: str) -> str:
    """The text with whatever stands before an @ in its URLs hidden."""
    return re.sub(r"(?<=://)[^\s/]*@", "***@", text)


def _parse(camera: CameraSettings, exists: Exists) -> tuple[CameraSpec, bool]:
    """-> (spec, whether its id was given)."""
    uri = camera.uri.strip()
    if not uri:
        raise UsageError("camera: the URI is empty", f"forms: {FORMS}")
    scheme = _SCHEME.match(uri)
    name = scheme[1].lower() if scheme else ""
    if name in ("rtsp", "rtsps", "http", "https"):
        return _network(uri, camera)
    if name == "synthetic":
        return _synthetic(uri, camera)
    if name == "webcam":
        return _webcam(uri, camera, uri.partition(":")[2].partition("?")[0])
    if name == "file":
        return _file_url(uri, camera, exists)
    if "://" in uri and scheme and not exists(uri):
        raise UsageError(f"camera {_hidden(uri)}: {name}:// is not known", f"forms: {FORMS}")
    path, query = _split_path(uri, exists)
    device = re.fullmatch(r"/dev/video(\d+)", path)
    if device:
        return _webcam(uri, camera, device[1])
    return _path(path, query, camera, exists)


def _with_credentials(camera: CameraSettings, environ: Mapping[str, str]) -> CameraSettings:
    """With user and password of the variable that it names in its URI."""
    if not camera.credentials:
        return camera
    who, variable = _hidden(camera.uri), camera.credentials.removeprefix("env:")
    if not re.match(r"(rtsps?|https?)://[^@]*$", camera.uri.strip(), re.IGNORECASE):
        raise UsageError(
            f"camera {who}: credentials are for network cameras without a password in the URI", "leave one of them out"
        )
    user, colon, password = environ.get(variable, "").partition(":")
    if not colon:
        raise UsageError(f"camera {who}: {camera.credentials}: no user:password in it", "set it where capture runs")
    uri = camera.uri.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@", 1)
    return camera.model_copy(update={"uri": uri})


def _network(uri: str, camera: CameraSettings) -> tuple[CameraSpec, bool]:
    who = _hidden(uri)
    try:
        url = urlsplit(uri)
        host, port = url.hostname, url.port
    except ValueError as error:
        detail = "the port is no number up to 65535" if "ort" in str(error) else "not a URL"
        raise UsageError(
            f"camera {who}: {detail}", "write special characters of a password as %40 (@), %23 (#), %2F (/)"
        ) from None
    if not host:
        raise UsageError(f"camera {who}: the host is missing", "such as rtsp://192.168.1.20:554/stream1")
    parts = [part for part in url.query.split("&") if part]
    own = {key: value for part in parts if (key := _key(part)) in OWN for value in [unquote_plus(_value(part))]}
    theirs = [part for part in parts if _key(part) not in OWN]
    shown = [f"{_key(part)}=***" if _SECRET.search(_key(part)) else part for part in theirs]
    address = url.netloc.rpartition("@")[2]
    netloc = f"***@{address}" if "@" in url.netloc else address
    public = urlunsplit(SplitResult(url.scheme, netloc, url.path, "&".join(shown), ""))
    location = urlunsplit(SplitResult(url.scheme, url.netloc, url.path, "&".join(theirs), ""))
    default = "-".join([host.strip("[]"), *([str(port)] if port else []), *url.path.split("/")])
    spec, named = _spec(camera, own, CameraKind.NETWORK, location=location, public=public, default=default)
    if not spec.realtime:
        raise UsageError(f"camera {public}: realtime=false: a live stream cannot wait", "leave realtime out")
    return spec, named


def _synthetic(uri: str, camera: CameraSettings) -> tuple[CameraSpec, bool]:
    rest = uri.partition(":")[2].removeprefix("//")
    options = dict(parse_qsl(rest.removeprefix("?"), keep_blank_values=True))
    spec, named = _spec(camera, options, CameraKind.SYNTHETIC, location="", public=uri, default="synthetic")
    _check_synthetic(spec)
    return spec, named


def _webcam(uri: str, camera: CameraSettings, index: str) -> tuple[CameraSpec, bool]:
    if not (index.isascii() and index.isdigit()):
        raise UsageError(f"camera {uri}: {index!r} is no number of a webcam", "such as webcam:0")
    own = dict(parse_qsl(uri.partition("?")[2], keep_blank_values=True))
    number = str(int(index))
    spec, named = _spec(camera, own, CameraKind.WEBCAM, location=number, public=uri, default=f"webcam-{number}")
    _refuse_unknown(spec)
    if not spec.realtime:
        raise UsageError(f"camera {uri}: realtime=false: a webcam cannot wait", "leave realtime out")
    return spec, named


def _file_url(uri: str, camera: CameraSettings, exists: Exists) -> tuple[CameraSpec, bool]:
    try:
        url = urlsplit(uri)
    except ValueError:
        raise UsageError(f"camera {_hidden(uri)}: not a URL", "file:///path") from None
    if url.netloc not in ("", "localhost"):
        raise UsageError(f"camera {uri}: file://{url.netloc}: only this machine's files can be read", "file:///path")
    return _path(unquote(url.path), url.query, camera, exists)


def _path(path: str, query: str, camera: CameraSettings, exists: Exists) -> tuple[CameraSpec, bool]:
    trunk = path.rstrip("/")
    if any(sign in trunk for sign in "*?[") and not exists(path):
        folder, _, pattern = trunk.rpartition("/")
        default = folder.rpartition("/")[2] or pattern.partition("*")[0] or "images"
    else:
        base = trunk.rpartition("/")[2]
        default = base.rpartition(".")[0] or base
    own = dict(parse_qsl(query, keep_blank_values=True))
    spec, named = _spec(camera, own, CameraKind.PATH, location=path, public=path, default=default)
    _refuse_unknown(spec)
    return spec, named


def _split_path(uri: str, exists: Exists) -> tuple[str, str]:
    """`clip.mp4?loop=true` -> path and query; a name that is on the disk as it stands has no query."""
    path, mark, query = uri.rpartition("?")
    if not mark or exists(uri) or not _QUERY.fullmatch(query):
        return uri, ""
    return path, query


def _spec(
    camera: CameraSettings, parameters: dict[str, str], kind: CameraKind, *, location: str, public: str, default: str
) -> tuple[CameraSpec, bool]:
    """The parameters common to all cameras; the URI's win over the settings'."""
    given = parameters.get("id") or camera.id
    if given is not None and not NAME.fullmatch(given):
        raise UsageError(
            f"camera {public}: id={given}: no name", "letters, digits, dot, dash and underscore, at most 63, please"
        )
    spec = CameraSpec(
        id=given or _name(default),
        kind=kind,
        location=location,
        public_uri=public,
        fps=_number(public, "fps", parameters["fps"], 240) if "fps" in parameters else camera.fps,
        loop=_flag(public, "loop", parameters["loop"]) if "loop" in parameters else camera.loop,
        realtime=_flag(public, "realtime", parameters["realtime"]) if "realtime" in parameters else camera.realtime,
        masks=polygons(camera.masks),
        options={key: value for key, value in parameters.items() if key not in OWN},
    )
    return spec, given is not None


def _check_synthetic(spec: CameraSpec) -> None:
    who = spec.public_uri
    for name, value in spec.options.items():
        match name:
            case "people":
                _whole(who, name, value, 0, 64)
            case "seed":
                _whole(who, name, value, 0, 2**31 - 1)
            case "frames":
                _whole(who, name, value, 1, 10**9)
            case "quality":
                _whole(who, name, value, 10, 100)
            case "seconds":
                _number(who, name, value, 10**9)
            case "expression":
                if value not in EXPRESSIONS:
                    raise UsageError(f"camera {who}: expression={value}: not known", f"one of {', '.join(EXPRESSIONS)}")
            case "size":
                try:
                    size = Size.parse(value)
                except ValueError as error:
                    raise UsageError(f"camera {who}: size={value}: {error}", "width x height in pixels") from None
                if not (64 <= size.width <= 7680 and 64 <= size.height <= 4320):
                    raise UsageError(f"camera {who}: size={value}: from 64x64 to 7680x4320", "such as 640x480")
            case _:
                known = "people, seed, size, fps, expression, seconds, frames, quality, id, loop, realtime"
                raise UsageError(f"camera {who}: {name} is not known", f"parameters: {known}")


def _refuse_unknown(spec: CameraSpec) -> None:
    for name in spec.options:
        raise UsageError(f"camera {spec.public_uri}: {name} is not known", f"parameters: {', '.join(OWN)}")


def _number(who: str, name: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 < number <= most:
        raise UsageError(f"camera {who}: {name}={value}: not a number above 0, up to {most:g}", f"such as {name}=10")
    return number


def _whole(who: str, name: str, value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise UsageError(f"camera {who}: {name}={value}: not a whole number from {least} to {most}", "")
    return int(value)


def _flag(who: str, name: str, value: str) -> bool:
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise UsageError(f"camera {who}: {name}={value}: neither true nor false", f"such as {name}=true")


def _name(text: str) -> str:
    """The nearest thing to the text that is a name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text)
    name = re.sub(r"-{2,}", "-", name).lstrip("._-")[:63].rstrip("._-")
    return name or "camera"


def _free_id(spec: CameraSpec, taken: set[str]) -> str:
    """The default id, with the first free number where it is taken; synthetic cameras are numbered from 1."""
    first = 1 if spec.kind is CameraKind.SYNTHETIC else 2
    if first == 2 and spec.id not in taken:
        return spec.id
    number = first
    while (name := f"{spec.id[: 62 - len(str(number))]}-{number}") in taken:
        number += 1
    return name


def _hidden(uri: str) -> str:
    """A URI that could not be parsed, as it may be shown: nothing that could be a password."""
    return re.sub(r"://.*@", "://***@", uri, flags=re.DOTALL)


def _key(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def _value(part: str) -> str:
    return part.partition("=")[2]
