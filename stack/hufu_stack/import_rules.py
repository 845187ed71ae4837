"""A kind of contract for import-linter: the order of the features is the one in which the composition names them."""

import ast
from pathlib import Path
from typing import Any

from importlinter.contracts.layers import LayersContract
from importlinter.domain import fields

# Stands for every feature of the composition, as a layer, or in the name of a container.
FEATURES = "<features>"


class FeatureLayersContract(LayersContract):
    """Layers, some of which are the features that `composition` names, from the left to the right; those that are
    `apart` are no containers.
    """

    type_name = "feature_layers"

    composition = fields.StringField()
    apart = fields.SetField(subfield=fields.StringField(), required=False)

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        features = composed(Path(contract_options["composition"]).read_text(encoding="utf-8"))
        apart = set(contract_options.get("apart", ()))
        containers = [feature for feature in features if feature not in apart]
        super().__init__(
            name,
            session_options,
            contract_options
            | {
                "layers": expanded(contract_options["layers"], features),
                "containers": expanded(contract_options["containers"], containers),
            },
        )


def composed(source: str) -> list[str]:
    """The features in their order. Raises LookupError where nothing is made of names from `<feature>.feature` alone."""
    tree = ast.parse(source)
    known = {
        alias.asname or alias.name: statement.module.split(".")[-2]
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module and statement.module.endswith(".feature")
        for alias in statement.names
    }
    for node in ast.walk(tree):
        parts = node.bases if isinstance(node, ast.ClassDef) else node.elts if isinstance(node, ast.Tuple) else []
        names = [part.id for part in parts if isinstance(part, ast.Name) and part.id in known]
        if names and len(names) == len(parts):
            return [known[name] for name in names]
    raise LookupError("the composition names no features")


def expanded(lines: list[str], features: list[str]) -> list[str]:
    return [line.replace(FEATURES, feature) for line in lines for feature in (features if FEATURES in line else [line])]
