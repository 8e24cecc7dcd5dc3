// Decisions at limits: anomalous iff score <= lower or score >= upper. All counts are
// binary searches in sorted scores.

function firstAtLeast(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAbove(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function flagged(sorted, limits) {
  const low = limits.lower === -Infinity ? 0 : firstAbove(sorted, limits.lower);
  const high = sorted.length - firstAtLeast(sorted, limits.upper);
  return Math.min(sorted.length, low + high);
}

function isAnomalous(score, limits) {
  return (limits.lower !== -Infinity && score <= limits.lower) || score >= limits.upper;
}

// Scores of a split, sorted: of each class, of both, and without repetition.
function sortedScores(values, labels) {
  const normal = values.filter((_, i) => labels[i] === 0).sort();
  const anomalous = values.filter((_, i) => labels[i] === 1).sort();
  const all = values.slice().sort();
  const distinct = all.filter((value, i) => i === 0 || value !== all[i - 1]);
  return { normal, anomalous, all, distinct };
}

function confusion(sorted, limits) {
  const tp = flagged(sorted.anomalous, limits);
  const fp = flagged(sorted.normal, limits);
  return { tp, fp, fn: sorted.anomalous.length - tp, tn: sorted.normal.length - fp };
}

// Each rate as { value } or, where it is undefined, { why }.
function rates({ tp, fp, fn, tn }) {
  const share = (part, whole, why) => (whole > 0 ? { value: part / whole } : { why });
  const noAnomalous = "there are no anomalous examples";
  return {
    precision: share(tp, tp + fp, "nothing is called anomalous"),
    recall: share(tp, tp + fn, noAnomalous),
    f1: tp + fn > 0 ? { value: (2 * tp) / (2 * tp + fp + fn) } : { why: noAnomalous },
    fpr: share(fp, fp + tn, "there are no normal examples"),
    accuracy: share(tp + tn, tp + fp + fn + tn, "there are no examples"),
  };
}

// Points of the ROC and precision-recall curves, from the highest limit down; only as
// many as can be told apart in a drawing. Counts never use them.
function curvePoints(sorted) {
  const steps = [];
  const count = sorted.distinct.length;
  for (let i = count - 1; i >= 0; i -= 1) {
    const limits = { lower: -Infinity, upper: sorted.distinct[i] };
    steps.push(confusion(sorted, limits));
  }
  const normals = sorted.normal.length;
  const anomalies = sorted.anomalous.length;
  const roc =
    normals && anomalies
      ? [[0, 0], ...steps.map((at) => [at.fp / normals, at.tp / anomalies])]
      : null;
  const pr = anomalies
    ? steps.map((at) => [at.tp / anomalies, at.tp / (at.tp + at.fp)])
    : null;
  if (pr) pr.unshift([0, pr[0][1]]);
  return { roc: roc && thinned(roc), pr: pr && thinned(pr) };
}

function thinned(points) {
  const near = 1 / 700;
  const kept = [points[0]];
  for (let i = 1; i < points.length - 1; i += 1) {
    const [x, y] = kept[kept.length - 1];
    const far =
      Math.abs(points[i][0] - x) >= near || Math.abs(points[i][1] - y) >= near;
    if (points.length < 1500 || far) kept.push(points[i]);
  }
  if (points.length > 1) kept.push(points[points.length - 1]);
  return kept;
}
