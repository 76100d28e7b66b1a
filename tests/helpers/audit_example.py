"""An audit that never ran: a results.nc and a summary.json of the form that `rankone audit` writes."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

PLAIN = ("ssim", "spearman", "cosine", "overlap")
SCORES = tuple(f"{name}{flip}" for name in PLAIN for flip in ("", "_flip"))
QUESTIONS = ("class", "weights", "image", "collapse", "batch", "repeat")
METHODS = ("gradient", "z_plus", "guided_backprop", "alpha_beta:2:1", "occlusion")
SEVENTEEN = (
    *("gradient", "gradient_times_input", "smooth_grad", "integrated_gradients", "deconv", "guided_backprop"),
    *("rectgrad", "z_plus", "deep_taylor", "excitation_backprop", "alpha_beta:1:0", "alpha_beta:2:1"),
    *("alpha_beta:5:4", "lrp_z", "deeplift_rescale", "grad_cam:conv5_3", "occlusion"),
)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "javascript:alert(1)//' onmouseover='alert(3)",
    "{{ 7 * 7 }} {% raw %}",
    "</style><b>\u202egnp.exe\u0007",
    "&lt;&amp;" + "long" * 60,
)


def dataset(
    *,
    methods=METHODS,
    images=4,
    layers=9,
    starts=3,
    stages=5,
    draws=2,
    shown=2,
    side=32,
    name=str,
    seed=0,
) -> xr.Dataset:
    """Every variable of the contract, filled with numbers; name: what becomes of every text of the user's."""
    rng = np.random.default_rng(seed)
    length = {
        "method": len(methods), "image": images, "other": 2, "draw": draws, "stage": stages,
        "score": len(SCORES), "start": starts, "layer": layers, "account": 4,
        "shown": min(shown, images), "shown_class": 3,
        "shown_stage": min(stages, 4), "y": side, "x": side, "rgb": 3,
    }  # fmt: skip
    data = xr.Dataset()

    def put(variable, dims, values, words=None):
        attrs = {"long_name": words or variable.replace("_", " "), "units": "1"}
        data[variable] = xr.DataArray(values, dims=dims, attrs=attrs)

    def uniform(variable, dims, low, high):
        put(variable, dims, rng.uniform(low, high, [length[dim] for dim in dims]))

    depth = np.arange(layers) / max(1, layers - 1)
    rate = rng.uniform(0, 9, len(methods))
    fall = 10 ** (-rate[:, None, None] * depth + rng.normal(0, 0.1, (len(methods), starts, layers))) * 0.9
    above = np.arange(layers) < 2 * np.arange(starts)[:, None]
    measured = np.where(above, np.nan, np.minimum(fall, 1))
    chain = ("method", "start", "layer")
    for variable, values in (
        ("csc", measured), ("csc_low", measured * 0.7), ("csc_high", np.minimum(1, measured * 1.4)),
        ("csc_null", np.where(above, np.nan, np.full_like(fall, 0.93))), ("predicted", measured**1.1),
        ("csc_whole", measured), ("csc_whole_null", np.where(above, np.nan, np.full_like(fall, 0.99))),
        ("csc_within_90", measured), ("csc_missing", np.where(above, np.nan, 0 * fall)),
    ):  # fmt: skip
        put(variable, chain, values)
    uniform("logit", ("method", "image", "other", "score"), 0.4, 1)
    uniform("logit_null", ("method", "image", "other", "score"), 0, 0.2)
    cascade = ("method", "stage", "draw", "image", "score")
    uniform("cascade", cascade, 0.2, 0.9)
    uniform("cascade_null", cascade, 0, 0.2)
    uniform("forward_alone", cascade, 0.1, 0.6)
    for variable, low, high in (("edges", -0.1, 0.3), ("another", 0, 0.6), ("another_null", 0, 0.2)):
        uniform(variable, ("method", "image", "score"), low, high)
    uniform("repeat_gap", ("method", "image"), 0, 0)
    uniform("batch_gap", ("method", "image"), 0, 1e-6)
    for variable in (
        *("stable_rank_excess", "total_variation", "share_change", "diameter", "one_minus_min_cos"),
        *("certified_total_variation", "certified_share_change", "certified_one_minus_cos"),
    ):
        uniform(variable, ("method", "image", "layer"), 1e-9, 0.5)
    put("classes_compared", ("method", "image", "layer"), np.full((len(methods), images, layers), 4.0))
    books = rng.dirichlet(np.ones(4), (len(methods), images))
    put("books", ("method", "image", "account"), books)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]

    def maps(columns):
        at = rng.uniform(-0.5, 0.5, (2, len(methods), length["shown"], columns, 1, 1))
        bumps = np.exp(-8 * ((y - at[0]) ** 2 + (x - at[1]) ** 2))
        signs = np.array([1 if k % 2 else -1 for k in range(len(methods))])[:, None, None, None, None]
        noise = rng.normal(0, 0.2, bumps.shape)
        found = np.where(signs < 0, bumps * np.cos(9 * x) + noise, bumps + np.abs(noise))
        return (found / np.abs(found).max((-2, -1), keepdims=True)).astype(np.float32)

    put("map", ("method", "shown", "shown_class", "y", "x"), maps(3))
    put("map_destroyed", ("method", "shown", "shown_stage", "y", "x"), maps(length["shown_stage"]))
    uniform("picture", ("shown", "y", "x", "rgb"), 0, 1)
    put("shown_image", ("shown",), np.arange(length["shown"]))
    classes = [[name(f"class {k}") for k in range(3)] for _ in range(length["shown"])]
    put("shown_class_name", ("shown", "shown_class"), np.array(classes, object))
    names = [name(f"conv{k}") for k in range(length["shown_stage"])]
    put("shown_stage_name", ("shown_stage",), np.array(names, object))
    put("image_digest", ("image",), np.array([f"{k:064x}" for k in range(images)], object))
    put("target", ("image",), np.arange(images))
    put("target_name", ("image",), np.array([name(f"class {k}") for k in range(images)], object))
    put("other_class", ("image", "other"), np.tile([1, -1], (images, 1)))
    coordinates = {
        "method": list(methods), "image": [name(f"photo{k}.jpg") for k in range(images)],
        "stage": [name(f"conv{stages - k}") for k in range(stages)], "score": list(SCORES),
        "start": [name(f"block{starts - k}") for k in range(starts)],
        "layer": [name(f"layer{layers - k}") for k in range(layers)],
        "account": ["image", "bias", "epsilon", "lost"],
    }  # fmt: skip
    data = data.assign_coords({dim: np.array(values, object) for dim, values in coordinates.items()})
    data.attrs = {
        "schema": "rankone audit 1", "kind": "native", "model": name("a network"),
        "weights_digest": "ab" * 32,
        "command": name("rankone audit --model net --images sample"), "device": "cpu", "precision": "float32",
        "seed": 0, "protocol": "corrected", "date": "2026-11-26T12:00:00", "versions": '{"torch": "2.13"}',
        "hides": json.dumps({methods[-1]: [name("signs"), name("amounts")]}), "seconds": 93.5,
    }  # fmt: skip
    return data


def summary(*, methods=METHODS, images=4, name=str, failed=()) -> dict:
    """The verdicts of the same audit; states go round. failed: methods that came to no end."""
    return {
        "schema": "rankone audit 1", "model": name("a network"), "kind": "native",
        "images": [
            {
                "name": name(f"photo{k}.jpg"), "digest": f"{k:064x}", "target": k,
                "target_name": name(f"class {k}"),
            }
            for k in range(images)
        ],
        "methods": [_method(k, method, name, failed) for k, method in enumerate(methods)],
        "thresholds": {"class_moves": {"value": 0.05, "why": name("Independent maps score less.")}},
        "provenance": {"model": name("a network"), "seed": 0},
        "outcome": {"status": 1, "said": name("2 of 5 methods fail: z_plus, guided_backprop.")},
        "files": {"report": "report.html", "results": "results.nc", "figures": []},
    }  # fmt: skip


def written(folder: Path, data: xr.Dataset, said: dict) -> tuple[Path, Path]:
    """results.nc and summary.json in the folder."""
    results, verdicts = folder / "results.nc", folder / "summary.json"
    data.to_netcdf(results, engine="scipy")
    verdicts.write_text(json.dumps(said))
    return results, verdicts


def _method(k: int, method: str, name, failed: tuple[str, ...]) -> dict:
    came_to_an_end = method not in failed
    verdicts = [_verdict((k + j) % 4, question, method, name) for j, question in enumerate(QUESTIONS)]
    return {
        "name": method,
        "title": name(method),
        "note": name("a note"),
        "failed": None
        if came_to_an_end
        else name("numbers: expected finite ones, got inf; ask for --float64"),
        "verdicts": verdicts if came_to_an_end else [],
    }


def _verdict(k: int, question: str, method: str, name) -> dict:
    state = ("holds", "fails", "not judged", "holds")[k]
    value = 0.0015 * (k + 1)
    said = f"{method} on a network: asked about the {question}, at most {value:.2g} of the map moves"
    numbers = {"value": value, "low": 0.001, "high": 0.02, "null_value": 0.97, "threshold": 0.05}
    judged = state != "not judged"
    return {
        "question": question,
        "state": state,
        "basis": ("proved", "all classes", "measured", "measured")[k],
        "sentence": name(f"{said} (its null 0.97). Do not use it to argue which class."),
        "subject": name(method),
        "measured": name(said),
        "null": "0.97",
        "consequence": "Do not use it to argue which class.",
        "limit": "Not judged: whether it is right.",
        "quantity": "logit",
        **{key: number if judged else None for key, number in numbers.items()},
        "reason": None if judged else name("too few images"),
    }
