"""Checks manifests against KServe's own Python API, which is generated from its custom resources, and Kubernetes'.

    python kserve_manifest.py FILE ...     a line for each fault; exit status 1 if there is one

Run by the environment of tests/python/kserve_clients. An unknown field, a missing one or a wrong type is a fault.
"""

import re
import sys

import kserve
import kubernetes.client
import yaml

KINDS = {
    "ServingRuntime": kserve.V1alpha1ServingRuntime,
    "ClusterServingRuntime": kserve.V1alpha1ClusterServingRuntime,
    "InferenceService": kserve.V1beta1InferenceService,
}
PLAIN = {"str": str, "bool": bool, "int": int, "float": (int, float), "object": object}


def faults(value, kind: str, path: str) -> list[str]:
    """What is wrong with a value that should be of a kind, as the API spells it."""
    # Spelled `list[...]` and `dict(str, ...)` by KServe's generator, and `List[...]` by others.
    container = re.fullmatch(r"(list|dict)[\[(](?:str, ?)?(.*)[\])]", kind, re.IGNORECASE)
    if container and container[1].lower() == "list":
        items = [] if wrong(value, list, path) else enumerate(value)
        return wrong(value, list, path) + [one for at, item in items for one in faults(item, container[2], f"{path}[{at}]")]
    if container:
        entries = [] if wrong(value, dict, path) else value.items()
        return wrong(value, dict, path) + [one for key, item in entries for one in faults(item, container[2], f"{path}.{key}")]
    if kind in PLAIN:
        is_number_for_text = kind == "str" and isinstance(value, bool | int)
        return wrong(value, PLAIN[kind], path) if not is_number_for_text else [f"{path}: quote {value}"]
    return faults_of_object(value, getattr(kserve, kind, None) or getattr(kubernetes.client, kind), path)


def faults_of_object(value, model: type, path: str) -> list[str]:
    """The same for an object."""
    attributes = {spelled: name for name, spelled in model.attribute_map.items()}
    found = wrong(value, dict, path)
    for key, item in ({} if found else value).items():
        if key not in attributes:
            found.append(f"{path}: unknown field {key}")
        else:
            found += faults(item, model.openapi_types[attributes[key]], f"{path}.{key}")
    if not found:
        try:
            model(**{attributes[key]: item for key, item in value.items()})
        except ValueError as error:
            found.append(f"{path}: {error}")
    return found


def wrong(value, kind, path: str) -> list[str]:
    """A fault if a value is not of a Python type."""
    return [] if isinstance(value, kind) else [f"{path}: {value!r} is wrong"]


def main() -> int:
    """Checks the files that are named."""
    count = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            manifests = list(yaml.safe_load_all(file))
        for manifest in manifests:
            for fault in faults_of_object(manifest, KINDS[manifest["kind"]], f"{path}: {manifest['metadata']['name']}"):
                print(fault)
                count += 1
        print(f"{path}: {len(manifests)} manifests")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
