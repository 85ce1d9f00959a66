"""What a site needs, as a table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from pipeline.capacity.costs import Costs
from pipeline.capacity.needs import Needs

SMALL = 0.05  # cores, gigabytes: less is not told by itself


def table(found: Needs, costs: Costs) -> Table:
    workload = found.workload
    title = (
        f"{workload.cameras:g} cameras, {workload.fps:g} frames/s and {workload.faces:g} faces each, "
        f"{costs.width}x{costs.height}; {found.margin:.0%} of everything left free"
    )
    told = Table("what", "needed", "of which", title=title, title_justify="left", show_lines=True)
    for row in _rows(found):
        told.add_row(*row)
    return told


def _rows(found: Needs) -> Iterator[tuple[str, str, str]]:
    yield "CPU cores", f"{found.total_cores:.1f}", _parts(found.cores, "", found.margin)
    yield "servers", str(found.servers), "Kafka's brokers may stand on some of them"
    if found.gpus is None:
        yield "model workers", str(found.model_workers), "on CPU cores, counted above; --gpu-faces counts GPUs instead"
    else:
        yield "GPUs", str(found.gpus), ""
    yield "memory, GiB", f"{sum(found.memory_mib.values()) / 1024:.1f}", _parts(found.memory_mib, " MiB", 0.0)
    yield "analyzers", str(found.analyzers), "analyze.actors"
    yield "aggregators", str(found.aggregators), ""
    yield "Kafka brokers", str(found.brokers), f"kafka.replication: {found.replication}"
    yield "partitions", str(found.partitions), "kafka.partitions; it cannot be changed later without a pause"
    yield "frames kept, minutes", f"{found.frames_minutes:.1f}", "for analyzers that are away: kafka.frames_retention_*"
    yield "disk, GB", f"{sum(found.disk_gigabytes.values()):.1f}", _parts(found.disk_gigabytes, "", 0.0)
    yield "network, Mbit/s", f"{found.network_megabits['frames']:.0f}", _parts(found.network_megabits, "", 0.0)


def _parts(values: dict[str, float], unit: str, margin: float) -> str:
    """The largest first."""
    shown = sorted(((value / (1 - margin), part) for part, value in values.items()), reverse=True)
    return ", ".join(f"{part} {value:,.1f}{unit}" for value, part in shown if value >= SMALL)
