"""What the overlays come to, as `kubectl kustomize` builds them, against the pipeline and against themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kubernetes import made
from pipeline.kafka.grants import NEEDS
from pipeline.settings import Settings, load
from pipeline.topics import plan
from serving.server.measures import INFERENCE
from tests.alerts_real.promql import selectors
from tests.kubernetes.built import OVERLAYS, Object, built, built_with, of_kind, pods, strings
from tests.kubernetes.schemas import Schemas

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
MADE_BY_OPERATORS = {"emostream", "emostream-cluster-ca-cert"}  # KubeRay's token, Strimzi's authority
GIVEN = {"emostream-tokens", "emostream-cameras", "emostream-webhooks-secrets", "emostream-page-tls"}
GIVEN |= {"centre-ca", "site-1"}
"""Secrets that somebody has to make: docs/deploy.md says how."""


def settings_of(objects: list[Object], folder: Path) -> Settings:
    (config,) = [each for name, each in of_kind(objects, "ConfigMap").items() if name.startswith("emostream-settings")]
    file = folder / "emostream.yaml"
    file.write_text(config["data"]["emostream.yaml"])
    return load(file)


def containers(objects: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    for name, pod in pods(objects):
        for container in pod["spec"]["containers"]:
            yield f"{name}/{container['name']}", container, pod


def kafka_files(container: Object) -> set[str]:
    return {each["mountPath"] for each in container["volumeMounts"] if "/etc/emostream/kafka" in each["mountPath"]}


@pytest.mark.parametrize("path", made.files(), ids=lambda path: str(path.relative_to(made.HERE)))
def test_what_is_made_is_as_it_would_be_made(path: Path) -> None:
    assert path.read_text() == made.files()[path], "python -m deploy.kubernetes.made"


@each_overlay
def test_topics_are_those_of_the_plan(overlay: str, tmp_path: Path) -> None:
    """With the settings that the roles are given there: partitions, replicas, and each topic's own settings."""
    objects = built(overlay)
    settings = settings_of(objects, tmp_path)
    planned = {topic.name: topic for short, topic in plan(settings.kafka).items()
               if overlay != "edge-site" or short in made.SITE_TOPICS}  # fmt: skip
    found = of_kind(objects, "KafkaTopic")
    assert found.keys() == planned.keys()
    for name, topic in planned.items():
        spec = found[name]["spec"]
        assert (spec["partitions"], spec["replicas"]) == (topic.partitions, settings.kafka.replication), name
        assert spec["config"] == topic.config, name
    (pool,) = of_kind(objects, "KafkaNodePool").values()
    assert pool["spec"]["replicas"] >= settings.kafka.replication


def test_an_overlays_own_settings_make_its_topics_and_users(tmp_path: Path) -> None:
    """As docs/deploy.md says it: what they come to is a patch."""
    told = tmp_path / "own.yaml"
    told.write_text((made.BASE / "emostream.yaml").read_text() + "delivery: exactly_once\n")
    settings = load(told)
    files = {"kafka.yaml": made.patches(settings)}
    objects = built_with("production", {"patches": [{"path": "kafka.yaml"}]}, files)
    acls = {
        name: [acl["resource"]["type"] for acl in user["spec"]["authorization"]["acls"]]
        for name, user in of_kind(objects, "KafkaUser").items()
    }
    assert {name for name, kinds in acls.items() if "transactionalId" in kinds} == {
        "emostream-analyze",
        "emostream-aggregate",
    }
    without = of_kind(built("production"), "KafkaUser")
    assert "transactionalId" not in str(without["emostream-analyze"]["spec"])
    assert of_kind(objects, "KafkaTopic").keys() == of_kind(built("production"), "KafkaTopic").keys()


@each_overlay
def test_each_role_is_a_user_of_its_own(overlay: str) -> None:
    """Who it says it is to Kafka, whose password it is given, and a user that Strimzi makes: one and the same."""
    objects = built(overlay)
    users = of_kind(objects, "KafkaUser").keys()
    for name, container, pod in containers(objects):
        role = next((word for word in container.get("args", ()) if word in NEEDS), None)
        if role is None:
            continue
        environment = {each["name"]: each.get("value", "") for each in container["env"]}
        assert environment["EMOSTREAM_KAFKA__SECURITY__USERNAME"] == f"emostream-{role}", name
        assert f"emostream-{role}" in users
        password = environment.get("EMOSTREAM_KAFKA__SECURITY__PASSWORD", "file:/etc/emostream/kafka/password")
        folder = str(Path(password.removeprefix("file:")).parent)
        (volume,) = (each["name"] for each in container["volumeMounts"] if each["mountPath"] == folder)
        (secret,) = (each["secret"]["secretName"] for each in pod["spec"]["volumes"] if each["name"] == volume)
        assert secret == f"emostream-{role}", name


def test_analyzers_find_their_password_where_the_driver_says() -> None:
    """They are made by the driver on the head, with its settings, and run on the workers."""
    (cluster,) = of_kind(built("production"), "RayCluster").values()
    head, worker = (cluster["spec"][key] for key in ("headGroupSpec", "workerGroupSpecs"))
    drivers = {each["name"]: each for each in head["template"]["spec"]["containers"]}
    needed = {
        each["mountPath"] for each in drivers["analyze"]["volumeMounts"] if "/etc/emostream/kafka" in each["mountPath"]
    }
    there = {each["mountPath"] for each in worker[0]["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert needed <= there
    api = {each["mountPath"] for each in drivers["api"]["volumeMounts"] if "/etc/emostream/kafka" in each["mountPath"]}
    assert api <= {each["mountPath"] for each in drivers["ray-head"]["volumeMounts"]}
    assert not any("kafka-api" in path for path in there), "the API's password is nobody else's"


@each_overlay
def test_pods_are_restricted(overlay: str) -> None:
    """As the namespace asks for, and read-only beyond that."""
    objects = built(overlay)
    (namespace,) = of_kind(objects, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod in pods(objects):
        user = pod["spec"]["securityContext"]
        assert user["runAsNonRoot"] is True, name
        assert user["runAsUser"] == 10001
        assert user["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        assert not any("hostPath" in volume for volume in pod["spec"]["volumes"])
    for name, container, _ in containers(objects):
        shut = container["securityContext"]
        assert shut["allowPrivilegeEscalation"] is False, name
        assert shut["readOnlyRootFilesystem"] is True, name
        assert shut["capabilities"] == {"drop": ["ALL"]}, name


@each_overlay
def test_containers_say_how_they_are_and_what_they_take(overlay: str) -> None:
    for name, container, _ in containers(built(overlay)):
        assert "livenessProbe" in container, name
        assert "readinessProbe" in container or container["name"] == "analyze", name  # nobody asks it anything
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, name
        assert "memory" in container["resources"]["limits"], name
        assert "cpu" not in container["resources"]["limits"], f"{name}: a limit of CPU throttles"


@each_overlay
def test_what_is_mounted_is_a_volume_and_the_other_way_round(overlay: str) -> None:
    for name, pod in pods(built(overlay)):
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        mounted = {mount["name"] for each in pod["spec"]["containers"] for mount in each["volumeMounts"]}
        assert volumes == mounted, name


def named(value: Any) -> Iterator[tuple[str, str]]:
    """Each ConfigMap and Secret that a pod asks for, wherever in it."""
    if isinstance(value, list):
        for each in value:
            yield from named(each)
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key in ("configMap", "configMapRef", "configMapKeyRef"):
            yield "ConfigMap", each["name"]
        elif key in ("secretRef", "secretKeyRef"):
            yield "Secret", each["name"]
        elif key == "secretName":
            yield "Secret", each
        else:
            yield from named(each)


@each_overlay
def test_what_a_pod_asks_for_is_there(overlay: str) -> None:
    """Under that very name: those of generated ConfigMaps end in a sum of what they hold."""
    objects = built(overlay)
    there = {("ConfigMap", name) for name in of_kind(objects, "ConfigMap")}
    there |= {("Secret", name) for name in MADE_BY_OPERATORS | GIVEN | of_kind(objects, "KafkaUser").keys()}
    for name, pod in pods(objects):
        asked = set(named(pod["spec"]))
        assert asked <= there, name
        if "/etc/emostream/settings" in str(pod["spec"]["containers"]):  # others, and the pod is another
            assert any(re.fullmatch(r"emostream-settings-\w{10}", each) for _, each in asked), name


@each_overlay
def test_all_of_it_is_in_one_namespace(overlay: str) -> None:
    for each in built(overlay):
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "emostream", f"{each['kind']} {each['metadata']['name']}"


@each_overlay
def test_secrets_come_by_reference_from_somewhere(overlay: str) -> None:
    objects = built(overlay)
    assert not of_kind(objects, "Secret"), "no secret stands in a file"
    known = MADE_BY_OPERATORS | GIVEN | of_kind(objects, "KafkaUser").keys()
    for _, pod in pods(objects):
        for volume in pod["spec"]["volumes"]:
            assert volume.get("secret", {}).get("secretName", "emostream") in known
    for name, container, _ in containers(objects):
        for each in container.get("env", ()):
            if re.search(r"TOKEN$|PASSWORD$|SECRET", each["name"]):
                value = each.get("value", "")
                by_reference = each.get("valueFrom", {}).get("secretKeyRef", {}).get("name") in known
                assert by_reference or value.startswith("file:") or value == "off", f"{name}: {each['name']}"


@each_overlay
def test_nothing_goes_in_or_out_but_what_is_named(overlay: str) -> None:
    policies = of_kind(built(overlay), "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        for rule in policy["spec"].get("ingress", ()):
            assert rule.get("from"), f"{name}: from anywhere"
            for peer in rule["from"]:
                selectors = [peer.get("podSelector"), peer.get("namespaceSelector")]
                assert any(selector and selector.get("matchLabels") for selector in selectors), f"{name}: from any pod"


@pytest.mark.parametrize("overlay", ["single", "production", "edge-central"])
def test_policies_and_budgets_speak_of_pods_that_there_are(overlay: str) -> None:
    objects = built(overlay)
    labels = [pod["metadata"]["labels"] for _, pod in pods(objects)]
    labels += [{"ray.io/cluster": "emostream", "ray.io/node-type": "head"}]  # as their operators label pods
    labels += [{"ray.io/cluster": "emostream", "ray.io/group": "analyzers", "ray.io/node-type": "worker"}]
    labels += [{"strimzi.io/cluster": "emostream", "strimzi.io/kind": "Kafka"}]
    absent = {"cameras"} if overlay == "edge-central" else set()
    for name, each in of_kind(objects, "NetworkPolicy", "PodDisruptionBudget").items():
        selector = each["spec"].get("podSelector") or each["spec"].get("selector") or {}
        wanted = selector.get("matchLabels", {})
        assert any(wanted.items() <= own.items() for own in labels) is (name not in absent), name


def test_the_model_is_asked_by_analyzers_alone() -> None:
    policies = of_kind(built("production"), "NetworkPolicy")
    model = {"app.kubernetes.io/name": "torchserve"}
    open_to = [
        (peer, port["port"])
        for policy in policies.values()
        if policy["spec"]["podSelector"].get("matchLabels") == model
        for rule in policy["spec"].get("ingress", ())
        for peer in rule["from"]
        for port in rule["ports"]
    ]
    analyzers = {"podSelector": {"matchLabels": {"emostream/model": "true"}}}
    monitoring = {"namespaceSelector": {"matchLabels": {"emostream/monitoring": "true"}}}
    assert sorted(open_to, key=str) == sorted([(analyzers, 7070), (analyzers, 8080), (monitoring, 8082)], key=str)


def test_mirrors_reach_who_tells_them_their_passwords() -> None:
    """Strimzi writes ${strimzisecrets:...} into their configuration, and they ask the API server for it."""
    policies = of_kind(built("edge-site"), "NetworkPolicy").values()
    ports = {
        port["port"]
        for policy in policies
        if policy["spec"]["podSelector"].get("matchLabels") == {"emostream/mirror": "true"}
        for rule in policy["spec"].get("egress", ())
        for port in rule["ports"]
    }
    assert ports == {9094, 443, 6443}


@each_overlay
def test_kafka_is_of_the_version_that_its_operator_has(overlay: str) -> None:
    """Each Strimzi takes two or three versions, and refuses all others."""
    objects = built(overlay)
    for each in of_kind(objects, "Kafka").values():
        assert "version" not in each["spec"]["kafka"]
    for each in of_kind(objects, "KafkaMirrorMaker2").values():
        assert "version" not in each["spec"]
    (pool,) = of_kind(objects, "KafkaNodePool").values()
    assert pool["spec"]["template"]["pod"]["securityContext"]["fsGroup"] == 0, "or the brokers cannot write their disks"


@pytest.mark.parametrize("overlay", ["single", "production", "edge-central"])
def test_what_ray_is_told(overlay: str, tmp_path: Path) -> None:
    objects = built(overlay)
    (cluster,) = of_kind(objects, "RayCluster").values()
    head, (workers,) = cluster["spec"]["headGroupSpec"], cluster["spec"]["workerGroupSpecs"]
    assert cluster["spec"]["autoscalerOptions"]["version"] == "v1", "v2: drivers that end would not be started again"
    assert cluster["spec"]["upgradeStrategy"] == {"type": "Recreate"}
    volumes = {each["name"]: each for each in head["template"]["spec"]["volumes"]}
    for container in head["template"]["spec"]["containers"]:
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        assert "emptyDir" in volumes[mounts["/var/run/secrets/kubernetes.io/serviceaccount"]], container["name"]
    for name, budget in of_kind(objects, "PodDisruptionBudget").items():
        assert ("minAvailable" in budget["spec"]) is name.startswith("ray-"), "RayCluster has no /scale"
    told = {each["name"]: each.get("value") for each in head["template"]["spec"]["containers"][1]["env"]}
    fewest, most = int(told["EMOSTREAM_ANALYZE__ACTORS"]), int(told["EMOSTREAM_ANALYZE__MAX_ACTORS"])
    places = workers["maxReplicas"] * int(workers["rayStartParams"]["num-cpus"])
    assert fewest <= most <= min(settings_of(objects, tmp_path).kafka.partitions, places)
    assert fewest < most, "more of them while frames wait"


def cpus(quantity: str) -> float:
    return float(quantity.removesuffix("m")) / 1000 if quantity.endswith("m") else float(quantity)


def mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def test_one_small_node_holds_the_demonstration() -> None:
    """Of 4 CPUs and 16 GiB, of which Kubernetes itself and the operators take a part."""
    objects = built("single")
    asked = [container["resources"]["requests"] for _, container, _ in containers(objects)]
    asked += [each["spec"]["resources"]["requests"] for each in of_kind(objects, "KafkaNodePool").values()]
    (cluster,) = of_kind(objects, "RayCluster").values()
    asked.append(cluster["spec"]["autoscalerOptions"]["resources"]["requests"])
    assert all(each.get("spec", {}).get("replicas", 1) == 1 for each in objects)
    assert sum(cpus(each["cpu"]) for each in asked) <= 3.1
    assert sum(mebibytes(each["memory"]) for each in asked) <= 13.5 * 1024


def test_what_is_said_of_prometheus_is_selected_alike() -> None:
    """By one label, which is yours to change; and a label that lacks is matched by what the operator passes on."""
    objects = built("production")
    kinds = ("ScrapeConfig", "ServiceMonitor", "PodMonitor", "PrometheusRule")
    assert {each["metadata"]["labels"].get("release") for each in of_kind(objects, *kinds).values()} == {"prometheus"}
    (site,) = of_kind(objects, "ScrapeConfig")["emostream"]["spec"]["relabelings"]
    assert re.fullmatch(site["regex"], "")
    assert site["regex"], "an empty one the operator leaves out: the label would be overwritten"


def test_a_centre_asks_no_site_how_its_capture_is() -> None:
    """No way leads there: the site's own Prometheus does."""
    dropped = [
        each
        for each in of_kind(built("edge-central"), "ScrapeConfig")["emostream"]["spec"]["relabelings"]
        if each.get("action") == "drop"
    ]
    assert [(each["sourceLabels"], each["regex"]) for each in dropped] == [(["role"], "capture")]


@pytest.mark.parametrize("overlay", ["production", "edge-central"])
def test_the_page_hears_from_its_ingress_that_it_is_asked_over_tls(overlay: str) -> None:
    pages = [each for name, each, _ in containers(built(overlay)) if name == "Deployment/dashboard/dashboard"]
    assert [each["value"] for each in pages[0]["env"] if each["name"] == "FORWARDED_ALLOW_IPS"] == ["*"]


def test_webhooks_come_with_their_component() -> None:
    """Without `webhooks` in the settings the role ends at once: it is in no overlay."""
    for overlay in OVERLAYS:
        assert "webhooks" not in of_kind(built(overlay), "Deployment")
    objects = built_with("production", {"components": ["webhooks"]})
    (container,) = of_kind(objects, "Deployment")["webhooks"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "emostream:0.1.0"
    assert {("ConfigMap", name) for name in of_kind(objects, "ConfigMap")} >= {
        each for each in named(of_kind(objects, "Deployment")["webhooks"]) if each[0] == "ConfigMap"
    }
    assert "webhooks" in of_kind(objects, "NetworkPolicy")
    assert all(each["metadata"].get("namespace") == "emostream" for each in objects if each["kind"] != "Namespace")


def test_test_pictures_come_with_theirs() -> None:
    """Whoever runs something on Ray's head has the cameras' passwords then: only where somebody chose it."""
    heads = []
    for objects in (built("production"), built_with("production", {"components": ["test-pictures"]})):
        (cluster,) = of_kind(objects, "RayCluster").values()
        heads.append(cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0])
        assert ("test-pictures" in of_kind(objects, "NetworkPolicy")) is (len(heads) == 2)
    assert ["envFrom" in head for head in heads] == [False, True]
    assert [each["secretRef"]["name"] for each in heads[1]["envFrom"]] == ["emostream-cameras"]


def test_one_controller_for_each_lag() -> None:
    """KEDA and HPAs scale plain workloads, each once; Ray's autoscaler alone says how many workers there are."""
    objects = built("production")
    scaled = [
        (each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"])
        for each in objects
        if each["kind"] in ("ScaledObject", "HorizontalPodAutoscaler")
    ]
    assert len(set(scaled)) == len(scaled)
    there = {
        (each["kind"], each["metadata"]["name"]) for each in objects if each["kind"] in ("Deployment", "StatefulSet")
    }
    assert set(scaled) <= there
    for each in objects:
        if (each["kind"], each["metadata"]["name"]) in scaled:
            assert "replicas" not in each["spec"], "each apply would put KEDA's number back"
    triggers = [trigger for each in of_kind(objects, "ScaledObject").values() for trigger in each["spec"]["triggers"]]
    groups = [trigger["metadata"]["consumerGroup"] for trigger in triggers if trigger["type"] == "kafka"]
    assert Settings().kafka.group not in groups, "the analyzers' lag is Ray's"
    assert groups == [Settings().kafka.aggregate_group]
    (cluster,) = of_kind(objects, "RayCluster").values()
    assert cluster["spec"]["enableInTreeAutoscaling"] is True
    (group,) = cluster["spec"]["workerGroupSpecs"]
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_what_scales_the_model_is_measured_by_it() -> None:
    """The query is of a metric that the handler tells, and of no lag."""
    (trigger,) = of_kind(built("production"), "ScaledObject")["torchserve"]["spec"]["triggers"]
    assert {f"{each.metric}" for each in selectors(trigger["metadata"]["query"])} == {f"{INFERENCE}_sum"}


@each_overlay
def test_images_and_versions_are_the_projects(overlay: str) -> None:
    from importlib.metadata import version

    objects = built(overlay)
    for name, container, _ in containers(objects):
        assert re.fullmatch(r"emostream(-torchserve)?:[0-9][\w.-]*|\S+@sha256:[0-9a-f]{64}", container["image"]), name
    for cluster in of_kind(objects, "RayCluster").values():
        assert cluster["spec"]["rayVersion"] == version("ray")


def test_a_demonstration_may_start_and_production_says_what_it_lacks(tmp_path: Path) -> None:
    from pipeline.errors import UsageError
    from pipeline.policy.check import require

    here = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("EMOSTREAM_POLICY")}
    try:
        require(settings_of(built("single"), tmp_path).policy)
        with pytest.raises(UsageError, match="purpose"):
            require(settings_of(built("production"), tmp_path).policy)
    finally:
        os.environ.update(here)


def test_a_site_forwards_what_its_cameras_give_and_hears_which_there_are(tmp_path: Path) -> None:
    mirrors = of_kind(built("edge-site"), "KafkaMirrorMaker2")
    topics: dict[str, set[str]] = {}
    for name, mirror in mirrors.items():
        (only,) = mirror["spec"]["mirrors"]
        topics[name] = set(only["topicsPattern"].split("|"))
        told = only["sourceConnector"]["config"]
        assert told["replication.policy.class"].endswith(".IdentityReplicationPolicy"), "topics keep their names"
        assert told["sync.topic.configs.enabled"] is False, "retention is each side's own"
    assert topics == {"to-centre": {"frames", "camera-status", "roles"}, "from-centre": {"cameras"}}
    assert set.union(*topics.values()) == set(made.SITE_TOPICS)
    site = settings_of(built("edge-site"), tmp_path)
    centre = settings_of(built("edge-central"), tmp_path)
    assert site.kafka.partitions == centre.kafka.partitions, "a camera's frames keep their partition"
    # After an outage frames come all at once.
    assert site.kafka.frames_retention_minutes <= centre.kafka.frames_retention_minutes
    assert site.kafka.frames_retention_bytes <= centre.kafka.frames_retention_bytes
    for overlay, kafka in (("edge-site", site.kafka), ("edge-central", centre.kafka)):
        (pool,) = of_kind(built(overlay), "KafkaNodePool").values()
        (volume,) = pool["spec"]["storage"]["volumes"]
        disk = int(volume["size"].removesuffix("Gi")) * 2**30
        assert kafka.partitions * kafka.frames_retention_bytes < 0.8 * disk


def test_a_site_may_do_at_the_centre_what_its_mirrors_do() -> None:
    centre, site = built("edge-central"), built("edge-site")
    acls = of_kind(centre, "KafkaUser")["site-1"]["spec"]["authorization"]["acls"]
    may = {acl["resource"].get("name", "cluster"): set(acl["operations"]) for acl in acls}
    forward = of_kind(site, "KafkaMirrorMaker2")["to-centre"]["spec"]
    for topic in forward["mirrors"][0]["topicsPattern"].split("|"):
        assert "Write" in may[topic]
        assert "Read" not in may[topic], "no site reads what another one shows"
    for key in ("groupId", "configStorageTopic", "offsetStorageTopic", "statusStorageTopic"):
        assert forward["target"][key].startswith("mirror.site-1.")
    assert may["cameras"] >= {"Read"}
    assert "Write" not in may["cameras"]
    (listener,) = (
        each for each in of_kind(centre, "Kafka")["emostream"]["spec"]["kafka"]["listeners"] if each["name"] == "sites"
    )
    assert listener["tls"] is True
    assert listener["authentication"] == {"type": "tls"}
    addresses = {text for key, text in strings(site) if key == "bootstrapServers" and "centre" in text}
    names = listener["configuration"]["bootstrap"]["alternativeNames"]
    assert addresses == {f"{name}:{listener['port']}" for name in names}


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    folder = os.environ.get("EMOSTREAM_CRDS")
    if not folder:
        pytest.skip("no schemas: name a folder that has them with EMOSTREAM_CRDS (docs/deploy.md, Checking manifests)")
    return Schemas(Path(folder))


@each_overlay
def test_an_api_server_would_take_it(overlay: str, schemas: Schemas) -> None:
    """Each object against the schema of its own kind; fields that the schema does not know are errors."""
    wrong = []
    for each in built(overlay):
        assert schemas.knows(each), f"no schema of {each['apiVersion']} {each['kind']} in EMOSTREAM_CRDS"
        wrong += [f"{each['kind']} {each['metadata']['name']}: {error}" for error in schemas.wrong(each)]
    assert not wrong, "\n".join(wrong)


MISTAKES: list[tuple[str, str, list[Any], Any]] = [
    ("RayCluster", "emostream", ["spec", "headGroupSpec", "template", "spec", "containers", 0, "imagee"], "x"),
    ("RayCluster", "emostream", ["spec", "enableInTreeAutoscaling"], "yes"),
    ("Kafka", "emostream", ["spec", "kafka", "replicas"], 3),
    ("KafkaUser", "emostream-capture", ["spec", "authorization", "acls", 0, "operation"], "Read"),
    ("Deployment", "torchserve", ["spec", "replicas"], "two"),
    ("Deployment", "torchserve", ["metadata", "label"], {}),
    ("NetworkPolicy", "page", ["spec", "ingres"], []),
    ("ScrapeConfig", "emostream", ["spec", "httpSDConfigs", 0, "urll"], "x"),
    ("PrometheusRule", "emostream-alerts", ["spec", "groups", 0, "rules", 0, "alrt"], "x"),
    ("ScaledObject", "aggregate", ["spec", "trigger"], []),
]


@pytest.mark.parametrize(("kind", "name", "path", "value"), MISTAKES, ids=lambda value: str(value)[:40])
def test_and_would_not_take_a_mistake(schemas: Schemas, kind: str, name: str, path: list[Any], value: Any) -> None:
    manifest = yaml.safe_load(yaml.safe_dump(of_kind(built("production"), kind)[name]))
    place = manifest
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert schemas.wrong(manifest)
