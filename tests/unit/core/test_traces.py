"""Trace contexts, which frames are sampled, and what a window knows of them."""

from __future__ import annotations

import http.server
import random
import secrets
import socket
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate.state import PanesRecord
from pipeline.aggregate.traced import PANES, Traced, TracedFrame
from pipeline.classify.http import Http
from pipeline.classify.transport import Message
from pipeline.errors import DependencyError
from pipeline.messages import FrameCounts, FrameHeader, FrameId, Scope, TraceContext, Window, begin_trace, carried
from pipeline.messages.trace import trace_headers
from pipeline.settings import TracesSettings
from pipeline.traces import asking, check, header, start
from tests.collector import collecting
from tests.records import START
from tests.records import observed as seen

KEPT = TraceContext("ab" * 16, "cd" * 8, True)
HEX = st.text("0123456789abcdef", min_size=1)


def test_a_context_is_what_w3c_says() -> None:
    assert str(KEPT) == "00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01"
    assert TraceContext.parse(str(KEPT)) == KEPT
    assert TraceContext.parse("cc-" + "ab" * 16 + "-" + "cd" * 8 + "-03-what-comes-later") == KEPT
    assert TraceContext.parse("00-" + "ab" * 16 + "-" + "cd" * 8 + "-02") == TraceContext("ab" * 16, "cd" * 8, False)
    for wrong in (
        "", "00", "garbage", "00-" + "0" * 32 + "-" + "cd" * 8 + "-01", "00-" + "ab" * 16 + "-" + "0" * 16 + "-01",
        "ff-" + "ab" * 16 + "-" + "cd" * 8 + "-01", str(KEPT).upper(), str(KEPT) + "-more", str(KEPT) + "\n",
        "01-" + "ab" * 16 + "-" + "cd" * 8 + "-01-" + "x" * 1000,
    ):  # fmt: skip
        assert TraceContext.parse(wrong) is None, wrong


@given(st.text())
def test_whatever_a_header_holds_is_a_context_or_none(text: str) -> None:
    found = carried({"traceparent": text.encode("utf-8", "replace")})
    assert found is None or TraceContext.parse(str(found)) == found


def test_a_frame_is_none_the_worse_for_a_trace_context_that_is_none() -> None:
    frame = FrameHeader(FrameId("site", "cam", 1, 2), START, 64, 48, 0)
    for value in (b"\xff\xfe", b"00-aa-bb-01", b"x" * 5000):
        assert FrameHeader.decode([*frame.encode(), ("traceparent", value)]) == frame


def test_the_share_that_is_kept() -> None:
    chance = random.Random(1).randbytes
    assert not any(begin_trace(0.0, chance).sampled for _ in range(1000))
    assert all(begin_trace(1.0, chance).sampled for _ in range(1000))
    assert 250 <= sum(begin_trace(0.03, chance).sampled for _ in range(10_000)) <= 350
    assert len({begin_trace(1.0, secrets.token_bytes).trace_id for _ in range(1000)}) == 1000


def window(scope: Scope, name: str, start: float, seconds: float = 10) -> Window:
    began = START + timedelta(seconds=start)
    return Window(
        scope=scope, site="site", id=name, spec="10s", start=began, end=began + timedelta(seconds=seconds),
        as_of=began, revision=0, final=False, frames=FrameCounts(expected=1, observed=1, dead_lettered=0),
        coverage=1, cameras={}, n_face_frames=0, n_tracks=0, n_told=0, n_abstained=0,
    )  # fmt: skip


def panes(camera: str, *starts: float) -> PanesRecord:
    return PanesRecord(
        scope=Scope.SITE, site="site", id="site", camera=camera, as_of=START, reached=START, gone=False, over=False,
        panes={START + timedelta(seconds=start): {} for start in starts},
    )  # fmt: skip


def context(number: int) -> TraceContext:
    return TraceContext(f"{number:032x}", "cd" * 8, True)


def test_a_window_names_a_frame_that_it_holds() -> None:
    traced = Traced(lambda camera, at: ("hall",) if camera == "a" else ())
    traced.seen(seen(0, 3, camera="a"), trace_headers(context(1)))
    traced.seen(seen(0, 14, camera="b"), trace_headers(context(2)))
    traced.seen(seen(0, 25, camera="b"), trace_headers(TraceContext("ab" * 16, "cd" * 8, False)))
    for scope, name, start_at, seconds, named in (
        (Scope.CAMERA, "a", 0, 10, 1),
        (Scope.CAMERA, "a", 10, 10, None),
        (Scope.CAMERA, "b", 10, 10, 2),
        (Scope.CAMERA, "c", 0, 10, None),
        (Scope.ZONE, "hall", 0, 20, 1),
        (Scope.SITE, "site", 0, 10, 1),
        (Scope.SITE, "site", 0, 20, 2),
        (Scope.SITE, "site", 20, 10, None),
    ):
        frame = traced.of_window(window(scope, name, start_at, seconds))
        assert (frame and frame.context) == (named and context(named))


def test_what_one_half_knew_goes_on_to_the_other_with_the_panes() -> None:
    first, second = Traced(lambda *_: ()), Traced(lambda *_: ())
    first.seen(seen(0, 3, camera="a"), trace_headers(context(7)))
    record = panes("a", 0, 10)
    frame = first.of_panes(record)
    assert frame == TracedFrame("a", START, context(7))
    second.told(record, frame.headers())
    assert second.of_window(window(Scope.CAMERA, "a", 0)) == frame
    assert first.of_panes(panes("a", 10)) is None
    for wrong in ([], [("traced_pane", b"yesterday")], [*frame.headers()[:1], ("traced_pane", b"0001-01-01")]):
        other = Traced(lambda *_: ())
        other.told(record, wrong)
        assert other.of_panes(record) is None


def test_what_is_remembered_is_bounded() -> None:
    traced = Traced(lambda *_: ())
    for second in range(0, 10 * (PANES + 50), 10):
        traced.seen(seen(0, second, camera="a"), trace_headers(context(second + 1)))
    assert traced.of_window(window(Scope.CAMERA, "a", 0)) is None
    assert traced.of_window(window(Scope.CAMERA, "a", 10 * (PANES + 49))) is not None


def test_spans_arrive_at_the_collector_with_their_parents_and_links() -> None:
    with collecting() as collector:
        spans = start(TracesSettings(endpoint=collector.url), "capture", "7")
        assert spans is not None
        root = spans.start("capture.frame", None, {"camera": "door", "seq": 3}, began=100.0)
        child = spans.start("model.request", root.context, {"crops": 2}, links=[KEPT])
        child.end(error="refused")
        root.end(100.5)
        unsampled = TraceContext("ab" * 16, "cd" * 8, False)
        spans.start("never", unsampled, {}).end()
        spans.close()
    by_name = {span.name: span for span in collector.spans}
    assert by_name.keys() == {"capture.frame", "model.request"}
    frame, request = by_name["capture.frame"], by_name["model.request"]
    assert (frame.service, frame.parent, frame.fields) == (
        "emostream-capture", "", {"emostream.camera": "door", "emostream.seq": 3},
    )  # fmt: skip
    assert (request.trace, request.parent) == (frame.trace, frame.id)
    assert request.links == [(KEPT.trace_id, KEPT.span_id)]
    assert frame.ended - frame.began == 500_000_000
    assert root.context == TraceContext(frame.trace, frame.id, True)


def test_a_collector_that_answers_nothing_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        spans = start(TracesSettings(endpoint=f"http://127.0.0.1:{mute.getsockname()[1]}"), "capture")
        assert spans is not None
        spans.start("capture.frame", None, {}).end()
        spans.close()
        waiting = [thread for thread in threading.enumerate() if thread.name == "last-spans"]
    assert waiting, "close has waited for the answer"


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    check(TracesSettings())
    with pytest.raises(DependencyError, match=r"traces.endpoint is set.*emostream\[traces\]"):
        start(TracesSettings(endpoint="http://127.0.0.1:4318"), "capture")


def test_where_spans_are_off_nothing_of_them_is_imported() -> None:
    assert start(TracesSettings(), "capture") is None
    assert header() == {}
    roles = "import sys, pipeline.capture.service, pipeline.analyze.worker, pipeline.aggregate.role; "
    loaded = "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", roles + loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "wrong", ["collector:4318", "ftp://collector", "http://", "http://me:pw@collector", "http://a:b"]
)
def test_a_wrong_endpoint_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        TracesSettings(endpoint=wrong)


def test_a_request_to_the_model_carries_the_span_it_is_made_for() -> None:
    got: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append(self.headers.get("traceparent"))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        model = Http(f"http://127.0.0.1:{server.server_port}", "/predictions/x")
        with asking(KEPT):
            model(Message(b"crops"))
        model(Message(b"crops"))
        model.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert got == [str(KEPT), None]
