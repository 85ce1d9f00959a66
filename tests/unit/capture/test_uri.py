import pytest

from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions, decode_task, encode_task
from pipeline.capture.uri import camera_specs, redact
from pipeline.errors import UsageError
from pipeline.settings import CameraSettings


def parse(*uris: str, on_disk: tuple[str, ...] = (), **fields: object) -> list[CameraSpec]:
    return camera_specs([CameraSettings(uri=uri, **fields) for uri in uris], exists=lambda path: path in on_disk)


def one(uri: str, **fields: object) -> CameraSpec:
    return parse(uri, **fields)[0]


def test_rtsp_keeps_the_cameras_own_parameters_and_loses_ours() -> None:
    spec = one("rtsp://admin:s3cret@cam1.local:554/stream1?channel=2&fps=5&token=abc&id=door&x=%2f")
    assert spec.kind is CameraKind.NETWORK
    assert spec.location == "rtsp://admin:s3cret@cam1.local:554/stream1?channel=2&token=abc&x=%2f"
    assert spec.public_uri == "rtsp://***@cam1.local:554/stream1?channel=2&token=***&x=%2f"
    assert (spec.id, spec.fps, spec.live, spec.endless) == ("door", 5.0, True, True)


def test_a_file_with_parameters() -> None:
    spec = one("videos/clip.mp4?loop=true&fps=10&realtime=false")
    assert (spec.kind, spec.location, spec.id) == (CameraKind.PATH, "videos/clip.mp4", "clip")
    assert (spec.loop, spec.fps, spec.realtime, spec.live, spec.endless) == (True, 10.0, False, False, False)


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("what?.mp4", "what?.mp4"),
        ("a:b.mp4", "a:b.mp4"),
        ("100% #1 & more.mkv", "100% #1 & more.mkv"),
        ("it's [1]?loop=1", "it's [1]"),
        ("file:///tmp/a%20b%23.mp4?fps=2", "/tmp/a b#.mp4"),
        ("file:/tmp/a.mp4", "/tmp/a.mp4"),
        ("frames/img_*.jpg?fps=2", "frames/img_*.jpg"),
        ("img?.jpg", "img?.jpg"),
        ("/data/faces/", "/data/faces/"),
        ("größe.mp4", "größe.mp4"),
    ],
)
def test_paths(uri: str, location: str) -> None:
    spec = one(uri)
    assert (spec.kind, spec.location) == (CameraKind.PATH, location)


def test_a_name_on_the_disk_is_taken_whole() -> None:
    spec = parse("odd?loop=true", on_disk=("odd?loop=true",))[0]
    assert (spec.location, spec.loop) == ("odd?loop=true", False)


@pytest.mark.parametrize(("uri", "index"), [("webcam:0", "0"), ("/dev/video2?fps=5", "2"), ("webcam:01", "1")])
def test_webcams(uri: str, index: str) -> None:
    spec = one(uri)
    assert (spec.kind, spec.location, spec.id) == (CameraKind.WEBCAM, index, f"webcam-{index}")


def test_default_ids_differ_and_given_ones_come_first() -> None:
    specs = parse(
        "a/again.mkv", "b/again.mkv", "synthetic:", "synthetic:?people=4", "x.gif?id=synthetic-2", "http://10.0.0.7/v",
        "frames/*.png", "/data/faces/", "x.mp4?id=again-2",
    )  # fmt: skip
    assert [spec.id for spec in specs] == [
        "again", "again-3", "synthetic-1", "synthetic-3", "synthetic-2", "10.0.0.7-v", "frames", "faces", "again-2",
    ]  # fmt: skip


def test_default_ids_are_names() -> None:
    assert [spec.id for spec in parse("größe 2.mp4", "***", ".hidden", "x" * 90 + ".mp4", "x" * 90 + ".mkv")] == [
        "gr-e-2", "images", "hidden", "x" * 63, "x" * 61 + "-2",
    ]  # fmt: skip


def test_the_uri_wins_over_the_settings() -> None:
    spec = one("clip.mp4?fps=5&loop=false&id=b", id="a", fps=1, loop=True, realtime=False)
    assert (spec.id, spec.fps, spec.loop, spec.realtime) == ("b", 5.0, False, False)
    assert one("clip.mp4", id="a", fps=1, loop=True, realtime=False).fps == 1


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("", "empty"),
        ("rtsp://", "host"),
        ("rtsp://h:99999/", "port"),
        ("rtsp://h/?realtime=false", "realtime=false"),
        ("ftp://x/y.mp4", "ftp://"),
        ("file://server/x.mp4", "file://server"),
        ("file://[server/x.mp4", "not a URL"),
        ("ada:secret@10.0.0.7/1", "no scheme"),
        ("rtsp://10.0.0.7/\x1b[2J", "\\x1b[2J': a character that cannot be printed"),
        ("rtsp://10.0.0.7\r\nX-Header: 1/", "cannot be printed"),
        ("clip\0.mp4", "cannot be printed"),
        ("file://[/x.mp4", "not a URL"),
        ("clip.mp4?fps=0", "fps=0"),
        ("clip.mp4?fps=nan", "fps=nan"),
        ("clip.mp4?fps=1e9", "fps=1e9"),
        ("clip.mp4?lop=1", "lop"),
        ("clip.mp4?loop=maybe", "loop=maybe"),
        ("clip.mp4?id=a b", "id=a b"),
        ("webcam:x", "'x'"),
        ("synthetic:?peple=1", "peple"),
        ("synthetic:?people=99", "people=99"),
        ("synthetic:?size=3x", "size=3x"),
        ("synthetic:?size=9x9", "size=9x9"),
        ("synthetic:?expression=grin", "expression=grin"),
        ("synthetic:?frames=0", "frames=0"),
    ],
)
def test_errors_name_what_is_wrong(uri: str, told: str) -> None:
    with pytest.raises(UsageError, match="camera") as caught:
        one(uri)
    assert told in caught.value.message


def test_a_long_query_is_looked_at_once() -> None:
    """There were ways without number to read this one, and all of them were tried."""
    assert one("clip.mp4?" + "a=" * 5000 + "/").location.endswith("/")


def test_ids_given_twice() -> None:
    with pytest.raises(UsageError, match="id=a is used twice"):
        parse("a.mp4?id=a", "b.mp4?id=a")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("rtsp://h:554/user=admin_password=s3cret_channel=1.sdp", "rtsp://h:554/user=***"),
        ("rtsp://h/user=admin&password=s3cret&channel=1", "rtsp://h/user=***&password=***&channel=1"),
        ("http://h/video;p%61ss=s3cret/1", "http://h/video;p%61ss=***/1"),
        ("http://h/v?a=1;password=s3cret&b=2", "http://h/v?a=***&b=2"),
        ("http://h/stream?src=rtsp://ada:s3cret@cam/1&w=9", "http://h/stream?src=***&w=9"),
        ("http://h/stream?src=rtsp%3A%2F%2Fada%3As3cret%40cam", "http://h/stream?src=***"),
        ("http://h/proxy/rtsp://ada:s3cret@cam/1", "http://h/***"),
        ("rtsp://h/live@main?channel=1", "rtsp://h/live@main?channel=1"),
    ],
)
def test_passwords_in_other_places_are_hidden_too(uri: str, shown: str) -> None:
    spec = one(uri)
    assert (spec.location, spec.public_uri) == (uri, shown)
    assert "s3cret" not in spec.id


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://u:p#s3cret@h/",
        "rtsp://u:s3cret@h:x/",
        "ftp://u:s3cret@h/",
        "rtsp://u:s3cret@h/?fps=x",
        "rtsp:/u:s3cret@h/",
        "rtsp:u:s3cret@h/",
        "u:s3cret@10.0.0.7/stream",
        "ftp://h/?token=s3cret",
        "rtsp://[h/?password=s3cret",
    ],
)
def test_errors_hide_passwords(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        one(uri)
    assert "s3cret" not in str(caught.value)


def test_redact() -> None:
    assert redact("open rtsp://a:b@h/x, http://h/y") == "open rtsp://***@h/x, http://h/y"
    assert redact("open rtsp://a:b/c@d@h/x") == "open rtsp://***@h/x"


def test_a_task_travels_to_the_camera_process() -> None:
    spec, options = one("synthetic:?people=3&seed=7&fps=4"), ReadOptions(max_side=640, after=1 / 3)
    assert decode_task(encode_task(spec, options)) == (spec, options)


def test_credentials_come_from_the_environment() -> None:
    camera = CameraSettings(uri="rtsp://10.0.0.5/stream1", credentials="env:CAMERA_HALL")
    [spec] = camera_specs([camera], environ={"CAMERA_HALL": "admin:p@ss/word"})
    assert spec.location == "rtsp://admin:p%40ss%2Fword@10.0.0.5/stream1"
    assert "admin" not in spec.public_uri
    with pytest.raises(UsageError, match="env:CAMERA_HALL: no user:password in it"):
        camera_specs([camera], environ={})
    for uri in ("synthetic:", "rtsp://a:b@10.0.0.5/stream1"):
        with pytest.raises(UsageError, match="credentials are for network cameras"):
            camera_specs([camera.model_copy(update={"uri": uri})], environ={"CAMERA_HALL": "a:b"})
