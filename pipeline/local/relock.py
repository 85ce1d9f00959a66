"""Writes kafka-jars.lock anew: `python -m pipeline.local.relock`. For developers; needs Maven and the network.

Maven resolves the runtime dependencies of Kafka and of a logging binding; the jars it fetched are hashed. Check the
difference before committing it.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from pipeline.local.jars import KAFKA, LOCK, Jar

BINDING = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3")  # slf4j 1.7 to the log4j that Kafka brings
HEADER = f"""\
# Kafka {KAFKA} and all it needs at run time: group:artifact:version sha256 bytes
# Written by `python -m pipeline.local.relock`; fetched and checked by pipeline/local/jars.py.
"""
POM = """\
<project><modelVersion>4.0.0</modelVersion>
<groupId>emostream</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>{}</dependencies></project>
"""
_LINE = re.compile(r"^\s*([^:\s]+):([^:]+):jar:([^:]+):(?:compile|runtime):(\S+\.jar)")


def main() -> None:
    wanted = [("org.apache.kafka", "kafka_2.13", KAFKA), BINDING]
    tags = [
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in wanted
    ]
    with tempfile.TemporaryDirectory() as folder:
        pom, listing = Path(folder, "pom.xml"), Path(folder, "list.txt")
        pom.write_text(POM.format("".join(tags)))
        command = ["mvn", "-B", "-q", "-f", str(pom), "dependency:list", "-DincludeScope=runtime"]
        subprocess.run([*command, "-DoutputAbsoluteArtifactFilename=true", f"-DoutputFile={listing}"], check=True)
        jars = sorted(filter(None, map(_jar, listing.read_text().splitlines())), key=lambda jar: jar.coordinates)
    LOCK.write_text(HEADER + "".join(f"{jar.coordinates} {jar.sha256} {jar.size}\n" for jar in jars))
    print(f"{LOCK}: {len(jars)} jars, {sum(jar.size for jar in jars) / 2**20:.0f} MiB")


def _jar(line: str) -> Jar | None:
    match = _LINE.match(line)
    if not match:
        return None
    group, name, version, path = match.groups()
    content = Path(path).read_bytes()
    return Jar(f"{group}:{name}:{version}", hashlib.sha256(content).hexdigest(), len(content))


if __name__ == "__main__":
    main()
