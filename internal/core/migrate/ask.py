"""Says what this interpreter has for nowcast, as a line of JSON. The rules are read and not run."""

import ast
import importlib.util
import json
import sys

CHANGING = {"update", "pop", "popitem", "setdefault", "clear", "append", "extend", "insert", "remove", "add", "discard", "sort"}


def version():
    try:
        import nemo_nowcast
    except BaseException as e:
        return "", type(e).__name__ + ": " + str(e)
    return str(getattr(nemo_nowcast, "__version__", "of unknown version")), ""


def root(node):
    """The name at the left of checklist["a"].b[c], and whether anything follows it."""
    deep = False
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node, deep = node.value, True
    return (node.id if isinstance(node, ast.Name) else None), deep


def targets(node):
    if isinstance(node, ast.Assign):
        return node.targets
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return [node.target]
    if isinstance(node, ast.Delete):
        return node.targets
    return []


def changed(node, given):
    """Whether a statement or call changes one of the arguments."""
    for target in targets(node):
        for t in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            name, deep = root(t)
            if deep and name in given:
                return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        return root(node.func.value)[0] in given
    return False


def read(source):
    changes, barriers = [], []
    lines = source.splitlines()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = [a.arg for a in function.args.posonlyargs + function.args.args]
        given = set(names[1:3]) if function.name.startswith("after_") else {"checklist", "config"} & set(names)
        for node in ast.walk(function):
            if not hasattr(node, "lineno"):
                continue
            place = {"Line": node.lineno, "Function": function.name, "Text": lines[node.lineno - 1].strip()}
            if changed(node, given) and place not in changes:
                changes.append(place)
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
                barriers.append(place)
    return {"Changes": changes, "Barriers": barriers}


def main():
    answer = {"Version": sys.version.split()[0]}
    answer["Nowcast"], answer["Problem"] = version()
    module = sys.argv[1]
    if module:
        try:
            spec = importlib.util.find_spec(module)
            if spec is None or not spec.origin:
                raise ImportError("there is no module " + module)
            answer["Rules"] = spec.origin
            with open(spec.origin, "rb") as f:
                answer.update(read(importlib.util.decode_source(f.read())))
        except BaseException:
            pass  # nowcastd check says it
    print()
    print(json.dumps(answer))


main()
