"""Writes the counters as Prometheus reads them, with prometheus_client, which is loaded at the first scrape."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ..store import BATCH_SIZES
from .metrics import BOUNDS_SECONDS, STATUSES, Gauges, Metrics, OperationCounts


class Standin(Collector):
    """One scrape's families."""

    def __init__(self, metrics: Metrics, flows: dict[str, int] | None) -> None:
        """Take the number of device flows by status, or None where the database does not tell."""
        self._metrics = metrics
        self._flows = flows

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from _of_requests(self._metrics.snapshot())
        yield from _of_the_writer(self._metrics.gauges())
        if self._flows is not None:
            flows = GaugeMetricFamily("tms_standin_device_flows", "Device flows that are stored.", labels=["status"])
            for status, number in self._flows.items():
                flows.add_metric([status], number)
            yield flows


def exposition(metrics: Metrics, flows: dict[str, int] | None, accepted: str) -> tuple[bytes, str]:
    """Return the text and its media type, as an Accept header wants it: OpenMetrics, or Prometheus's own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Standin(metrics, flows))
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accepted)
    return encode(registry), media_type


def _of_requests(counts: dict[str, OperationCounts]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "tms_standin_requests",
        "Answered requests; status none is a dropped connection.",
        labels=["operation", "status"],
    )
    errors = CounterMetricFamily(
        "tms_standin_errors", "Requests that were dropped or answered with 400 or more.", labels=["operation"]
    )
    durations = HistogramMetricFamily(
        "tms_standin_request_duration_seconds", "From a request's arrival to its answer.", labels=["operation"]
    )
    for operation, count in counts.items():
        for status, number in zip(STATUSES, count.statuses, strict=True):
            if number:
                requests.add_metric([operation, status], number)
        errors.add_metric([operation], count.errors)
        durations.add_metric([operation], _cumulative(BOUNDS_SECONDS, count.buckets), count.seconds)
    yield from (requests, errors, durations)


def _of_the_writer(gauges: Gauges) -> Iterator[Metric]:
    yield GaugeMetricFamily("tms_standin_processes", "Processes that serve this database.", gauges.processes)
    yield GaugeMetricFamily("tms_standin_writer_queue", "Writes that wait for a transaction.", gauges.queue)
    yield GaugeMetricFamily("tms_standin_rsa_keys_ready", "RSA keys made and not yet asked for.", gauges.rsa_ready)
    batches = HistogramMetricFamily("tms_standin_commit_batch_size", "Writes that share one commit.")
    batches.add_metric([], _cumulative(BATCH_SIZES, gauges.batches), gauges.written)
    yield batches


def _cumulative(bounds: Iterable[float], buckets: tuple[int, ...]) -> Sequence[tuple[str, float]]:
    named = [*(str(float(bound)) for bound in bounds), "+Inf"]
    return list(zip(named, accumulate(buckets), strict=True))
