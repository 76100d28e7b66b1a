"""How much fits into one page: pictures are made smaller first, then start layers are left out."""

from dataclasses import dataclass

LIMIT = 3_000_000  # bytes of report.html: what a mail takes


@dataclass(frozen=True)
class Size:
    """side: pixels of a map; colours: of a map; shown: images with maps; starts: start layers with curves."""

    side: int
    colours: int
    shown: int
    starts: int

    def said(self) -> str:
        """What a page of this size lacks, "" for the largest."""
        if self == LARGEST:
            return ""
        starts = f", curves from at most {self.starts} start layers" if self.starts < LARGEST.starts else ""
        return (
            f"To stay below {LIMIT / 1e6:g} MB this page has maps of at most {self.side} × {self.side} "
            f"pixels in {self.colours} colours, of at most {self.shown} images{starts}; results.nc has all."
        )


LARGEST = Size(96, 128, 3, 1000)
SIZES = (
    LARGEST,
    Size(64, 64, 3, 1000),
    Size(48, 32, 3, 1000),
    Size(48, 32, 2, 24),
    Size(32, 16, 2, 12),
    Size(32, 16, 1, 6),
    Size(24, 12, 1, 1),
)
