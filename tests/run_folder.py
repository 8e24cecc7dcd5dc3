"""Run folders with made-up scores, of the form that `jaxad train` leaves."""

import json

import numpy as np
from sklearn import metrics as golden

RULES = {
    "max_margin": ("val_labelled", "deployable"),
    "z_score": ("val_normal", "deployable"),
    "fixed_fpr": ("val_normal", "deployable"),
    "conformal": ("val_normal", "deployable"),
    "f1_max": ("val_labelled", "deployable"),
    "f1_max_test": ("test", "oracle"),
}
GAP = {"separable": 4.0, "overlapping": 1.0, "one_class": 0.0}


def image_entry(score, label, limits, detector):
    normal, anomalous = int((label == 0).sum()), int((label == 1).sum())
    whole = normal > 0 and anomalous > 0
    reason = "no anomalous examples"
    auroc = golden.roc_auc_score(label, score) if whole else None
    at = {}
    for rule, (lower, upper) in limits.items():
        called = (score <= lower) | (score >= upper)
        tp, fp = int((called & (label == 1)).sum()), int((called & (label == 0)).sum())
        fn, tn = anomalous - tp, normal - fp
        at[rule] = {
            "status": RULES[rule][1],
            "precision": tp / (tp + fp) if tp + fp else None,
            "recall": tp / anomalous if anomalous else None,
            "f1": 2 * tp / (2 * tp + fp + fn) if anomalous else None,
            "fpr": fp / normal if normal else None,
            "accuracy": (tp + tn) / len(label),
            **{"tp": tp, "fp": fp, "fn": fn, "tn": tn},
            "recall_interval": [0.9, 1.0] if anomalous else None,
            "fpr_interval": [0.0, 0.1],
        }
    return {
        "detector": detector,
        "auroc": auroc,
        "auroc_interval": [max(auroc - 0.004, 0), min(auroc + 0.004, 1)]
        if whole
        else None,
        "average_precision": golden.average_precision_score(label, score)
        if whole
        else None,
        "f1_max": 0.97 if whole else None,
        "f1_max_threshold": 0.1 if whole else None,
        "n_normal": normal,
        "n_anomalous": anomalous,
        "undefined": {}
        if whole
        else dict.fromkeys(("auroc", "average_precision", "f1_max", "recall"), reason),
        "at": at,
    }


def write_run(path, kind, *, epochs=25, count=(150, 600), curve=True, last=6):
    """A run folder as `jaxad train` leaves it, with made-up scores."""
    rng = np.random.default_rng(0)
    gap = GAP[kind]
    splits = np.repeat(["val", "val", "test", "test"], np.repeat(count, 2))
    label = np.repeat([0, 1, 0, 1], np.repeat(count, 2))
    keep = (label == 0) | (gap > 0)
    splits, label = splits[keep], label[keep]
    noise = rng.normal(size=(6, len(label)))
    scores = {
        "mse": 0.01 * np.exp(0.3 * noise[0] + gap * label),
        "top": 0.1 * np.exp(0.2 * noise[1] + 0.8 * gap * label),
        "pca": 0.02 * np.exp(0.3 * noise[2] + 0.7 * gap * label),
        "isolation_forest": 0.05 * noise[3] + 0.05 * gap * label - 0.1,
        "lof": 1.0 + 0.1 * np.abs(noise[4]) + np.expm1(2 * gap * label * 0.8),
        "ocsvm": 3 * noise[5] + 2 * gap * label - 1,
    }
    scores = dict(list(scores.items())[:last])
    thresholds, image = {}, {}
    test = splits == "test"
    for i, (name, score) in enumerate(scores.items()):
        normal = score[(label == 0) & ~test]
        high = float(np.quantile(normal, 0.99))
        low = normal.mean() - 3 * normal.std()
        middle = (
            float(np.sqrt(high * score.max())) if gap > 2 and score.min() > 0 else high
        )
        upper = [
            middle,
            normal.mean() + 3 * normal.std(),
            high,
            high * 1.01,
            middle * 0.9,
        ]
        limits = {
            r: (-np.inf, float(u))
            for r, u in zip(RULES, [*upper, high * 1.4], strict=True)
        }
        limits["z_score"] = (float(low), limits["z_score"][1])
        thresholds[name] = {
            rule: {
                "lower": None if np.isinf(lo) else lo,
                "upper": up,
                "fit_on": RULES[rule][0],
                "status": RULES[rule][1],
            }
            for rule, (lo, up) in limits.items()
        }
        detector = "model" if i < 2 else "baseline"
        image[name] = image_entry(score[test], label[test], limits, detector)
    write_files(path, splits, label, scores, thresholds, image, epochs, curve, rng)
    return path


def write_files(path, splits, label, scores, thresholds, image, epochs, curve, rng):
    path.mkdir(parents=True, exist_ok=True)
    (path / "examples").mkdir(exist_ok=True)
    epoch = np.arange(1, epochs + 1)
    train, val = 0.1 / epoch + 0.002, 0.11 / epoch + 0.003 + 1e-5 * epoch
    rows = ["epoch,train_loss,val_loss,grad_norm,lr"]
    rows += [
        f"{e},{t},{v},1.0,0.001" for e, t, v in zip(epoch, train, val, strict=True)
    ]
    (path / "history.csv").write_text("\n".join(rows) + "\n")
    rows = ["id,split,label,defect," + ",".join(f"score_{n}" for n in scores)]
    for i in range(len(label)):
        cells = [f"{i:05d}", splits[i], str(label[i]), "noise" if label[i] else "good"]
        rows.append(",".join(cells + [repr(float(s[i])) for s in scores.values()]))
    (path / "scores.csv").write_text("\n".join(rows) + "\n")
    best = int(np.argmin(val)) + 1
    levels = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005]
    trivial = dict(image["mse"], status="deployable", note="calls everything anomalous")
    values = {
        "primary": {"score": "mse", "rule": "max_margin"},
        "image": image,
        "pixel": {},
        "trivial": {
            "all_anomalous": trivial,
            "brightness_either_way": dict(trivial, status="oracle"),
        },
        "reconstruction": {"mse_clean": 0.01, "mse_anomalous": 0.1},
        "fit": {
            "best_epoch": best,
            "epochs": epochs,
            "train_loss": train[best - 1],
            "val_loss": val[best - 1],
            "gap": val[best - 1] - train[best - 1],
        },
    }
    if curve:
        values["curve"] = {
            "kind": "salt_and_pepper",
            "levels": levels,
            "auroc": {
                n: [1 - 0.5 * np.exp(-lv * (60 + 40 * i)) for lv in levels]
                for i, n in enumerate(scores)
            },
        }
    seconds = {"load": 0.5, "compile": 2.0, "train": 31.2, "model": {"score": 1.5}}
    seconds |= {name: {"fit": 2.5, "score": 0.3} for name in list(scores)[2:]}
    for name, value in {
        "config": {"loss": {"kind": "mse"}, "score": {"names": ["mse", "top"]}},
        "thresholds": thresholds,
        "metrics": values,
        "env": {"seconds": seconds},
    }.items():
        (path / f"{name}.json").write_text(json.dumps(value))
    size = 14
    clean = np.zeros((24, size, size, 1), np.float32)
    clean[:, 3:-3, size // 2 - 1 : size // 2 + 1] = 1
    seen = clean.copy()
    seen[12:][rng.random(seen[12:].shape) < 0.3] = 1
    recon = 0.9 * clean + 0.02
    arrays = {"original": clean, "image": seen, "recon": recon}
    arrays["map"] = ((seen - recon) ** 2)[..., 0]
    np.savez(path / "examples" / "examples.npz", **arrays)
    index = [
        {
            "id": f"{k:05d}",
            "label": int(k >= 12),
            "defect": "noise" if k >= 12 else "good",
            "scores": {"mse": float(arrays["map"][k].mean()), "top": 0.9},
            "why": ("best", "worst", "random")[k // 4 % 3],
        }
        for k in range(24)
    ]
    (path / "examples" / "index.json").write_text(json.dumps(index))
