"""The schemas that an API server would check by, read from a folder: CustomResourceDefinitions and, for Kubernetes' own
kinds, `swagger.json` as Kubernetes' repository has it in api/openapi-spec. Unknown fields are errors.

Rules in CEL (x-kubernetes-validations) are not evaluated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml

Schema = dict[str, Any]
OPEN = "x-kubernetes-preserve-unknown-fields"
EITHER = "x-kubernetes-int-or-string"
CHOICES = ("allOf", "anyOf", "oneOf", "not")


class Schemas:
    """`folder`: *.yaml with CustomResourceDefinitions; swagger.json."""

    def __init__(self, folder: Path) -> None:
        self._known: dict[tuple[str, str], Schema] = {}
        for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            for found in yaml.load_all(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if found and found.get("kind") == "CustomResourceDefinition":
                    self._add(found["spec"])
        swagger = folder / "swagger.json"
        self._definitions = json.loads(swagger.read_text())["definitions"] if swagger.exists() else {}
        for name, definition in self._definitions.items():
            for kind in definition.get("x-kubernetes-group-version-kind", ()):
                group = f"{kind['group']}/" if kind["group"] else ""
                self._known[f"{group}{kind['version']}", kind["kind"]] = {"$ref": f"#/definitions/{name}"}

    def knows(self, manifest: Schema) -> bool:
        return (manifest["apiVersion"], manifest["kind"]) in self._known

    def wrong(self, manifest: Schema) -> list[str]:
        """Each thing that an API server would refuse, with its place."""
        schema = self._known[manifest["apiVersion"], manifest["kind"]]
        closed = {"definitions": {name: _closed(each) for name, each in self._definitions.items()}} | _closed(schema)
        errors = jsonschema.Draft7Validator(closed).iter_errors(manifest)
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors]

    def _add(self, spec: Schema) -> None:
        for version in spec["versions"]:
            if version.get("served", True):
                schema = version["schema"]["openAPIV3Schema"]
                self._known[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema


def _closed(schema: Any) -> Any:
    """The same, and what is not named is an error; where either is allowed, a number or a text."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get(EITHER) or schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    if schema.get("format") == "quantity" or str(schema.get("description", "")).startswith("Quantity is a fixed-point"):
        return {"type": ["integer", "number", "string"]}
    closed = {
        key: {name: _closed(each) for name, each in value.items()} if key == "properties" else _closed(value)
        for key, value in schema.items()
        if key not in ("description", "default", "example", *CHOICES)
    }
    closed |= {key: schema[key] for key in CHOICES if key in schema}  # they name only what they choose by
    if "properties" in closed and not schema.get(OPEN) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    if schema.get("nullable"):
        closed["type"] = [closed["type"], "null"]
    if "apiVersion" in closed.get("properties", {}) and "metadata" in closed["properties"]:
        metadata = closed["properties"]["metadata"]
        if "properties" not in metadata and "$ref" not in metadata:
            closed["properties"]["metadata"] = {"type": "object"}
    return closed
