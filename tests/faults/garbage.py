"""What stands on `frames` and is no frame that could be read."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import numpy as np

from pipeline.analyze.decode import Decoder
from pipeline.analyze.opencv import cv2
from pipeline.errors import BadRecord
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import DeadLetter, FrameHeader, FrameId, checksum
from pipeline.settings import Settings
from pipeline.topics import DEAD_LETTERS
from tests.faults import victims
from tests.faults.fault import Conditions, Outcome, fault, percentile
from tests.faults.frames import SPOILS, ZEROS, Feed, claiming, picture
from tests.faults.site import Site

BOMB_MILLISECONDS, BOMB_MEBIBYTES = 10, 50
ZEROS_EACH = 100  # one record in so many is 5 MiB of zeros


@fault
def corrupt_frames(conditions: Conditions) -> Outcome:
    """10,000 corrupt frames among 1,000 good ones: as many dead letters, no crash, and the good ones observed."""
    bad, good = conditions.count(10_000), conditions.count(1000)
    rng = conditions.rng
    plan = [None] * good + [rng.choice(list(SPOILS)) if n % ZEROS_EACH else "zeros" for n in range(bad)]
    rng.shuffle(plan)
    sent: Counter[str] = Counter()
    with conditions.stack(conditions.settings()) as stack, Site(stack, conditions.folder) as site:
        site.start("analyze")
        before = [process.pid for process in victims.find("analyzer")]
        feed = Feed(site.settings.kafka, site.settings.site, "cam")
        for kind in plan:
            frame = feed.frame(picture(rng))
            if kind is not None:
                frame = (ZEROS if kind == "zeros" else SPOILS[kind])(frame, rng)
                sent[kind] += 1
            feed.send(frame)
        feed.close()
        outcome = site.finish(1200)
        letters = _letters(site)
        after = [process.pid for process in victims.find("analyzer")]
    crashes = len(set(after) - set(before)) + len(site.notes)
    outcome.figures |= {
        "corrupt": bad, "dead_letters": len(letters), "crashes": crashes, "kinds": dict(sent),
        "reasons": dict(Counter(letter.reason for letter in letters)),
        "foreign": sum(letter.foreign for letter in letters),
    }  # fmt: skip
    outcome.hold(len(letters) == bad, f"{len(letters)} dead letters of {bad}")
    outcome.hold(len({(each.partition, each.offset) for each in letters}) == bad, "a frame has two dead letters")
    outcome.hold(not crashes, f"{crashes} crashes")
    outcome.hold(outcome.figures["observed"] == good, f"{outcome.figures['observed']} of {good} good frames observed")
    return outcome


@fault
def jpeg_bomb(conditions: Conditions) -> Outcome:
    """JPEGs of under 1 kB that claim up to 65535x65535 pixels are refused in 10 ms (of CPU) and 50 MB."""
    count = conditions.count(200, 20)
    script = [sys.executable, "-m", "tests.faults.garbage", str(conditions.seed), str(count)]
    told = subprocess.run(script, check=True, capture_output=True, text=True).stdout.split()
    slowest, p50, grown, refused = float(told[0]), float(told[1]), float(told[2]), int(told[3])
    outcome = Outcome(frames=count, figures={
        "slowest_milliseconds": slowest, "median_milliseconds": p50, "grown_mebibytes": grown, "refused": refused,
    })  # fmt: skip
    outcome.hold(refused == count, f"{count - refused} were taken for pictures")
    outcome.hold(slowest <= BOMB_MILLISECONDS, f"{slowest} ms")
    outcome.hold(grown <= BOMB_MEBIBYTES, f"{grown} MiB")
    return outcome


def _letters(site: Site) -> list[DeadLetter]:
    with Reader(site.settings.kafka, [DEAD_LETTERS]) as reader:
        reader.from_beginning()
        return [letter for letter in map(parse, reader.to_end()) if isinstance(letter, DeadLetter)]


def _refuse_bombs(seed: int, count: int) -> None:
    """Prints the slowest and the median CPU time in ms, how far memory grew in MiB, and how many were refused."""
    rng = random.Random(seed)
    settings = Settings()
    decode = Decoder(settings.analyze.max_frame_bytes, settings.analyze.max_frame_pixels, settings.detect.max_side)
    small = cv2.imencode(".jpg", np.full((8, 8, 3), 120, np.uint8))[1].tobytes()
    bombs = [(claiming(small, *sides), *sides) for sides in (_sides(rng) for _ in range(count))]
    headers = [_header(*bomb) for bomb in bombs]
    seconds, refused = [], 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for (jpeg, _, _), header in zip(bombs, headers, strict=True):
        began = time.process_time()
        try:
            decode(jpeg, header)
        except BadRecord:
            refused += 1
        seconds.append(time.process_time() - began)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(round(1000 * max(seconds), 3), round(1000 * (percentile(seconds, 0.5) or 0), 3), round(grown, 1), refused)


def _sides(rng: random.Random) -> tuple[int, int]:
    return rng.randrange(8_000, 65_536), rng.randrange(8_000, 65_536)


def _header(jpeg: bytes, width: int, height: int) -> FrameHeader:
    """It claims what the JPEG claims."""
    return FrameHeader(FrameId("site", "cam", 1, 0), datetime.now(UTC), width, height, checksum(jpeg))


if __name__ == "__main__":
    _refuse_bombs(int(sys.argv[1]), int(sys.argv[2]))
