"""infra/kubernetes, as far as it can be told without a cluster: references, doors, rights, commands, schemas.

What the base and the overlays are made of is read as it stands, and held against Kubernetes' own schemas. Where
`kubectl` is here, they are put together too. KubeRay's resources are held against the fields of its API reference:
`kubectl apply` would drop a name that it does not know.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tests.support.commands import check_command, ray_start_options

FOLDER = Path(__file__).parents[2] / "infra" / "kubernetes"
FOLDERS = ["overlays/cpu", "overlays/gpu", "overlays/local", "nightly"]
SECRETS = {"seraph-store": {"access-key", "secret-key"}, "seraph-prefect": {"auth", "database-password"},
           "seraph-ray": {"auth_token"}}  # fmt: skip
KUBERNETES = ["1.32", "1.37"]

Document = dict[str, Any]
Pod = tuple[str, Document]


class Strict(BaseModel):
    """A part of KubeRay's API, v1.6.2: the fields that are used here. Any other name is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class AutoscalerOptions(Strict):
    version: Literal["v1", "v2"]
    upscaling_mode: Literal["Conservative", "Default", "Aggressive"] = "Default"
    idle_timeout_seconds: int
    resources: Document
    security_context: Document


class AuthOptions(Strict):
    mode: Literal["disabled", "token"]
    secret_name: str


class HeadGroup(Strict):
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"]
    ray_start_params: dict[str, str]
    template: Document


class WorkerGroup(Strict):
    group_name: str
    replicas: int
    min_replicas: int
    max_replicas: int
    ray_start_params: dict[str, str]
    template: Document


class RayCluster(Strict):
    ray_version: str
    auth_options: AuthOptions
    enable_in_tree_autoscaling: bool
    autoscaler_options: AutoscalerOptions
    head_group_spec: HeadGroup
    worker_group_specs: list[WorkerGroup]


class RayJob(Strict):
    entrypoint: str
    submission_mode: Literal["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]
    shutdown_after_job_finishes: bool
    ttl_seconds_after_finished: int
    active_deadline_seconds: int = Field(gt=0)
    backoff_limit: int
    submitter_pod_template: Document
    ray_cluster_spec: RayCluster


def _resources(folder: Path) -> Iterator[Document]:
    """The documents of a folder's resources, and of those that it builds on."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        if (folder / name).is_dir():
            yield from _resources((folder / name).resolve())
        else:
            yield from yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))


DOCUMENTS = {name: list(_resources(FOLDER / name)) for name in FOLDERS}
ALL = [*DOCUMENTS["overlays/local"], *DOCUMENTS["nightly"]]
GPU = yaml.safe_load((FOLDER / "overlays/gpu/gpu-group.yaml").read_text(encoding="utf-8"))[0]["value"]


def _clusters(documents: list[Document]) -> Iterator[Document]:
    for each in documents:
        if each["kind"] == "RayCluster":
            yield each["spec"]
        elif each["kind"] == "RayJob":
            yield each["spec"]["rayClusterSpec"]


def _pods(documents: list[Document]) -> Iterator[Pod]:
    """Every pod that these documents make, with a name to tell it by."""
    for each in documents:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] in ("Deployment", "StatefulSet"):
            yield name, each["spec"]["template"]
        if each["kind"] == "RayJob":
            yield f"{name}/submitter", each["spec"]["submitterPodTemplate"]
    for cluster in _clusters(documents):
        yield "ray/head", cluster["headGroupSpec"]["template"]
        yield from ((f"ray/{group['groupName']}", group["template"]) for group in cluster["workerGroupSpecs"])


PODS = [*_pods(ALL), ("ray/gpu", GPU["template"])]
EACH_POD = pytest.mark.parametrize("pod", [pod for _, pod in PODS], ids=[name for name, _ in PODS])


def _names(kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in ALL if each["kind"] == kind}


@EACH_POD
def test_secrets_and_settings_that_a_pod_refers_to_are_there(pod: Document) -> None:
    for container in pod["spec"]["containers"]:
        for variable in container.get("env", []):
            if "valueFrom" in variable:
                reference = variable["valueFrom"]["secretKeyRef"]
                assert reference["key"] in SECRETS[reference["name"]]
        maps = {each["configMapRef"]["name"] for each in container.get("envFrom", [])}
        assert maps <= _names("ConfigMap")
    volumes = [each["configMap"]["name"] for each in pod["spec"].get("volumes", []) if "configMap" in each]
    assert set(volumes) <= _names("ConfigMap")


@EACH_POD
def test_no_secret_stands_in_a_manifest(pod: Document) -> None:
    secret = re.compile(r"KEY|PASSWORD|TOKEN$|AUTH_STRING|SECRET")
    for container in pod["spec"]["containers"]:
        told = [each for each in container.get("env", []) if secret.search(each["name"])]
        assert all("valueFrom" in each for each in told)


def test_no_secret_is_made_here() -> None:
    assert _names("Secret") == set()
    settings = {name for each in ALL if each["kind"] == "ConfigMap" for name in each["data"]}
    assert not [name for name in settings if re.search(r"KEY|PASSWORD|TOKEN|AUTH_STRING", name)]


@EACH_POD
def test_a_pod_runs_without_rights_and_says_what_it_needs(pod: Document) -> None:
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] >= 70
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


@EACH_POD
def test_a_container_of_the_image_writes_to_its_volumes_only(pod: Document) -> None:
    for container in pod["spec"]["containers"]:
        if container["image"].startswith("seraph"):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert "/tmp" in {each["mountPath"] for each in container["volumeMounts"]}


def test_only_a_head_speaks_with_the_api_server() -> None:
    may = {name for name, pod in PODS if pod["spec"].get("automountServiceAccountToken") is not False}
    assert may == {"ray/head"}


@EACH_POD
def test_images_have_a_version(pod: Document) -> None:
    known = {each["name"]: each["newTag"] for each in _images()}
    for container in pod["spec"]["containers"]:
        name, _, tag = container["image"].partition(":")
        assert re.search(r"\d", tag or known[name])


def _images() -> Iterator[Document]:
    for name in ("base", "nightly"):
        yield from yaml.safe_load((FOLDER / name / "kustomization.yaml").read_text(encoding="utf-8"))["images"]


@EACH_POD
def test_volumes_that_are_mounted_are_there(pod: Document) -> None:
    spec = pod["spec"]
    there = {each["name"] for each in spec.get("volumes", [])}
    sets = [each["spec"] for each in ALL if each["kind"] == "StatefulSet" and each["spec"]["template"] is pod]
    claims = {claim["metadata"]["name"] for each in sets for claim in each["volumeClaimTemplates"]}
    mounted = {each["name"] for container in spec["containers"] for each in container.get("volumeMounts", [])}
    assert mounted <= there | claims


@EACH_POD
def test_commands_are_those_of_the_programs_in_the_image(pod: Document) -> None:
    for container in pod["spec"]["containers"]:
        if container["image"].startswith("seraph") and "args" in container:
            words = container["args"]
            check_command(words[1:] if words[0] == "on-ray-node" else words)


def test_what_drives_a_cluster_does_so_on_a_node_of_its_own() -> None:
    (runner,) = (pod["spec"]["containers"][0] for name, pod in PODS if name == "Deployment/runner")
    assert runner["args"][0] == "on-ray-node"
    assert {"name": "RAY_ADDRESS", "value": "seraph-head-svc:6379"} in runner["env"]


def test_what_was_fetched_once_is_there_for_every_node_and_driver() -> None:
    cache = {"name": "cache", "persistentVolumeClaim": {"claimName": "seraph-cache"}}
    with_it = {name for name, pod in PODS if cache in pod["spec"].get("volumes", [])}
    assert with_it == {name for name, _ in PODS if name.startswith("ray/") or name == "Deployment/runner"}
    mount = {"name": "cache", "mountPath": "/home/seraph/.cache"}
    assert all(mount in pod["spec"]["containers"][0]["volumeMounts"] for name, pod in PODS if name in with_it)
    (claim,) = (each["spec"] for each in ALL if each["kind"] == "PersistentVolumeClaim")
    assert claim["accessModes"] == ["ReadWriteMany"]


def test_only_what_drives_a_run_has_the_password_of_prefect() -> None:
    told = {name for name, pod in PODS for container in pod["spec"]["containers"] for each in container.get("env", [])
            if each["name"] == "PREFECT_API_AUTH_STRING"}  # fmt: skip
    assert told == {"ray/head", "Deployment/runner"}


def test_alarms_get_out_of_the_prefect_server() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in ALL if each["kind"] == "NetworkPolicy"}
    assert {"protocol": "TCP", "port": 443} in policies["prefect"]["egress"][0]["ports"]


def test_the_nightly_run_is_a_command_that_ends_before_the_next_night() -> None:
    (job,) = (each["spec"] for each in ALL if each["kind"] == "RayJob")
    check_command(job["entrypoint"].split())
    assert job["activeDeadlineSeconds"] < 24 * 3600
    assert job["backoffLimit"] >= 1
    assert job["shutdownAfterJobFinishes"] is True
    # KubeRay refuses retries on a cluster that is not the job's own.
    assert "clusterSelector" not in job


def test_the_services_of_the_settings_are_there_on_the_ports_that_are_named() -> None:
    services = {each["metadata"]["name"]: {port["port"] for port in each["spec"]["ports"]}
                for each in ALL if each["kind"] == "Service"}  # fmt: skip
    local = list(yaml.safe_load_all((FOLDER / "overlays/local/settings.yaml").read_text(encoding="utf-8")))
    settings = {**{k: v for each in ALL if each["kind"] == "ConfigMap" for k, v in each["data"].items()}}
    settings |= {name: value for each in local for name, value in each["data"].items()}
    for name in ("AWS_ENDPOINT_URL", "PREFECT_API_URL"):
        host, port = re.findall(r"^http://([a-z]+):(\d+)", settings[name])[0]
        assert int(port) in services[host]
    assert int(settings["PREFECT_SERVER_DATABASE_PORT"]) in services[settings["PREFECT_SERVER_DATABASE_HOST"]]


def test_services_lead_to_pods_and_their_ports() -> None:
    for service in (each["spec"] for each in ALL if each["kind"] == "Service"):
        (pod,) = (
            pod for _, pod in PODS if service["selector"].items() <= pod.get("metadata", {}).get("labels", {}).items()
        )
        names = {port["name"] for container in pod["spec"]["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["ports"]} <= names


@pytest.mark.parametrize("cluster", [*_clusters(ALL)], ids=["cluster", "nightly"])
def test_a_ray_cluster_asks_for_its_token_and_grows_from_nothing(cluster: Document) -> None:
    from importlib.metadata import version

    assert cluster["rayVersion"] == version("ray")
    assert cluster["authOptions"] == {"mode": "token", "secretName": "seraph-ray"}
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in (*cluster["workerGroupSpecs"], GPU):
        assert (group["minReplicas"], group["replicas"]) == (0, 0)
        assert group["maxReplicas"] > 0
        # A pod is a Ray node once: restarted, it would pass for the one that was lost.
        assert group["template"]["spec"]["restartPolicy"] == "Never"
        assert group["rayStartParams"].keys() <= ray_start_options()


def test_a_worker_of_the_gpu_group_has_a_gpu() -> None:
    resources = GPU["template"]["spec"]["containers"][0]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"


def test_what_no_policy_names_is_denied_and_every_policy_names_a_pod() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in ALL if each["kind"] == "NetworkPolicy"}
    denied = policies.pop("deny-all")
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    components = {pod.get("metadata", {}).get("labels", {}).get("app.kubernetes.io/component") for _, pod in PODS}
    named = set(re.findall(r"'app.kubernetes.io/component': '(\w+)'", str(policies)))
    assert named == components - {None}
    assert all("ingress" not in spec or all("from" in rule for rule in spec["ingress"]) for spec in policies.values())


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_document_fits_the_schemas_of_kubernetes(version: str) -> None:
    containers = [{"name": "autoscaler", **_container(cluster)} for cluster in _clusters(ALL)]
    specs = [*(pod["spec"] for _, pod in PODS), {"containers": containers}]
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec} for spec in specs]
    for each in (*_of_kubernetes(ALL), *pods):
        kubernetes_validate.validate(each, version, strict=True)


def _container(cluster: Document) -> Document:
    """What the autoscaler's container is given."""
    return {name: cluster["autoscalerOptions"][name] for name in ("resources", "securityContext")}


def _of_kubernetes(documents: list[Document]) -> list[Document]:
    return [each for each in documents if not each["apiVersion"].startswith("ray.io/")]


@pytest.mark.parametrize("name", ["overlays/cpu", "nightly"])
def test_every_document_of_kuberay_has_only_fields_that_it_knows(name: str) -> None:
    for each in DOCUMENTS[name]:
        if each["kind"] in ("RayCluster", "RayJob"):
            assert {"RayCluster": RayCluster, "RayJob": RayJob}[each["kind"]].model_validate(each["spec"])


def test_a_group_that_is_added_has_only_fields_that_kuberay_knows() -> None:
    assert WorkerGroup.model_validate(GPU).group_name == "gpu"


# -- put together ------------------------------------------------------------------------------------------------------


def _built(name: str) -> list[Document]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here: the overlays are not put together")
    made = subprocess.run(["kubectl", "kustomize", FOLDER / name], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


@pytest.mark.parametrize("name", FOLDERS)
def test_an_overlay_is_put_together(name: str) -> None:
    built = _built(name)
    expected = sorted((each["kind"], each["metadata"]["name"]) for each in DOCUMENTS[name])
    assert sorted((each["kind"], each["metadata"]["name"]) for each in built) == expected
    assert all(each["metadata"].get("namespace", "seraph") == "seraph" for each in built)
    groups = {"overlays/gpu": ["cpu", "gpu"]}.get(name, ["cpu"])
    assert [each["groupName"] for cluster in _clusters(built) for each in cluster["workerGroupSpecs"]] == groups
    images = {container["image"] for _, pod in _pods(built) for container in pod["spec"]["containers"]}
    assert all(":" in image for image in images)
    for each in _of_kubernetes(built):
        kubernetes_validate.validate(each, KUBERNETES[-1], strict=True)
