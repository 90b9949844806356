"""Writes reviews until it is killed; prints each one's uid once it is acknowledged."""

import sys

from tagifai.reviews import ReviewStore


def write(path: str, journal: str, reviewer: str) -> None:
    store = ReviewStore(path, journal=journal)
    number = 0
    while True:
        review = store.submit(
            reviewer=reviewer,
            project=str(number),
            tag="graphs",
            decision="add",
            note="x" * (number % 900),
        )
        sys.stdout.write(review.uid + "\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    write(*sys.argv[1:])
