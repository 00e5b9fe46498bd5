"""What the postprocess backend must compute, once more in numpy and OpenCV, for the tests to compare.

Nothing here is shared with the server: detections are crossed out one by one, and text is found with OpenCV's contours
and rectangles, as PaddleOCR does.
"""

import cv2
import numpy as np


def softmax(numbers: np.ndarray, axis: int) -> np.ndarray:
    """In double precision."""
    exponentials = np.exp(numbers.astype(np.float64) - numbers.max(axis, keepdims=True))
    return exponentials / exponentials.sum(axis, keepdims=True)


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with each of others, in single precision."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.prod(np.maximum(sides, np.float32(0)), axis=1)
    return both / (np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - both)


def suppress(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, threshold: float) -> list[int]:
    """The indices that non-maximum suppression within each class keeps, by falling score."""
    left = list(np.argsort(-scores, kind="stable"))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        if left:
            overlaps = overlap(boxes[best], boxes[left])
            left = [i for i, o in zip(left, overlaps) if classes[i] != classes[best] or o <= np.float32(threshold)]
    return kept


def detect(predictions: np.ndarray, score: float, iou: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, scores and classes of `[places, 4 + classes]` with boxes of centre and size."""
    scores, classes = predictions[:, 4:].max(1), predictions[:, 4:].argmax(1)
    sure = np.flatnonzero(scores > np.float32(score))
    centre, half = predictions[sure, :2], predictions[sure, 2:4] * np.float32(0.5)
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    kept = suppress(boxes, scores[sure], classes[sure], iou)
    return boxes[kept], scores[sure][kept], classes[sure][kept]


def find_text(
    probabilities: np.ndarray, mean, box_threshold: float, threshold=0.3, unclip_ratio=1.5, min_size=3.0
) -> list[tuple[np.ndarray, float]]:
    """The corners and score, by `mean`, of each line of text in a map: PaddleOCR's way, with OpenCV."""
    mask = (probabilities > threshold).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < min_size:
            continue
        score = mean(probabilities, cv2.boxPoints((centre, (width, height), angle)))
        if score < box_threshold:
            continue
        distance = width * height * unclip_ratio / (2 * (width + height))
        width, height = width + 2 * distance, height + 2 * distance
        if min(width, height) >= min_size + 2:
            found.append((cv2.boxPoints((centre, (width, height), angle)), score))
    return found


def mean_of_filled(probabilities: np.ndarray, corners: np.ndarray) -> float:
    """The mean of a map in a polygon whose corners are cut to whole pixels: PaddleOCR's score."""
    mask = np.zeros(probabilities.shape, np.uint8)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    return float(probabilities[mask == 1].mean())


def mean_of_near(probabilities: np.ndarray, corners: np.ndarray) -> float:
    """The mean of a map over the pixels that are within half a pixel of a polygon."""
    (left, top), (right, bottom) = np.floor(corners.min(0)).astype(int) - 1, np.ceil(corners.max(0)).astype(int) + 2
    pixels = [(x, y) for y in range(top, bottom) for x in range(left, right)]
    near = [(x, y) for x, y in pixels if cv2.pointPolygonTest(corners, (float(x), float(y)), True) > -0.5]
    return float(np.mean([probabilities[y, x] for x, y in near]))


def polygons_overlap(one: np.ndarray, two: np.ndarray) -> float:
    """Intersection over union of two convex polygons, counted in quarters of pixels.

    `cv2.intersectConvexConvex` would do, were it right for polygons that are almost the same.
    """
    masks = []
    for corners in (one, two):
        masks.append(np.zeros((4 * 500, 4 * 700), np.uint8))
        cv2.fillConvexPoly(masks[-1], cv2.convexHull((4 * corners).round().astype(np.int32)), 1)
    return float((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
