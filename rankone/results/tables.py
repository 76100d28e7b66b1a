"""The tables that commands and simulations write and paper_figs draws, each defined here and nowhere else.

"1 − |cos|" stands for 1 minus the absolute cosine of two vectors: 0 where they are parallel; 1e-34 for all
that is smaller.
"""

from rankone.results.table import ALL_DIGITS, SIX_DIGITS, WHOLE, Column, Table

MODEL = Column("model", "the network and where its weights come from")
METHOD = Column("method", "the method, as on the command line")
START = Column("start", "the layer where relevance starts")
LAYER = Column("layer", "the layer where it is read")

FIG4 = Table(
    "simulations/fig4.py",
    (
        Column("panel", "a or b"),
        Column("ensemble", "what the factors are made of; learned: one's own weights"),
        Column("alpha", "α of αN⁺ + βN⁻, where it names the curve"),
        Column("beta", "its β"),
        Column("multiplications", "factors passed", WHOLE),
        Column("median", "1 − |cos| of two starts, the protocol's summary of pairs and samples", ALL_DIGITS),
        Column("low", "lower end of its 95 % interval", ALL_DIGITS),
        Column("high", "upper end", ALL_DIGITS),
        Column("theory", "median of 1 − |cos| by law; nan: there is none", ALL_DIGITS),
    ),
)

PHASE_DIAGRAM = Table(
    "simulations/phase_diagram.py",
    (
        Column("width", "n of the (n, n) factors", WHOLE),
        Column("alpha", "α = β + 1", ALL_DIGITS),
        Column("beta", "β of αW⁺ + βW⁻", ALL_DIGITS),
        Column("settled", "multiplications before the first reading", WHOLE),
        Column("depth", "multiplications before the last", WHOLE),
        Column("chains", "independent chains", WHOLE),
        Column("measured", "fall of E[log10 sin²θ] between them", ALL_DIGITS, "decades a multiplication"),
        Column("error", "its standard error over chains", ALL_DIGITS, "decades a multiplication"),
        Column("moment_state", "the same by the moment state", ALL_DIGITS, "decades a multiplication"),
        Column("rate_law", "the rate at great depth", ALL_DIGITS, "decades a multiplication"),
        Column("critical_beta", "β below which chains collapse by the mean", ALL_DIGITS),
    ),
)

CONVERGENCE = Table(
    "rankone csc",
    (
        MODEL,
        METHOD,
        START,
        LAYER,
        Column("median", "1 − |cos| over channels at a location, median over images of theirs", SIX_DIGITS),
        Column("low", "lower end of its 99 % interval; nan: one image only", SIX_DIGITS),
        Column("high", "upper end", SIX_DIGITS),
        Column("within_90", "what 90 % of all pairs at all images' locations do not exceed", SIX_DIGITS),
        Column("missing", "share of pairs with a vector that is zero", SIX_DIGITS),
        Column("null_median", "median of independent directions in the channels in use", SIX_DIGITS),
        Column("whole_median", "the median over channels and locations together: of whole maps", SIX_DIGITS),
        Column("whole_within_90", "what 90 % of all images' pairs of whole maps do not exceed", SIX_DIGITS),
        Column("whole_null_median", "median of independent directions in the units in use", SIX_DIGITS),
        Column("precision", "of the sweep: float64 also where float32 would overflow"),
    ),
)

CONVERGENCE_THEORY = Table(
    "rankone csc --theory",
    (
        MODEL,
        METHOD,
        START,
        LAYER,
        Column("theory", "1 − |cos| if only each layer's mean and variance mattered", SIX_DIGITS),
    ),
)

PREDICTION = Table(
    "rankone predict",
    (
        MODEL,
        METHOD,
        START,
        LAYER,
        Column("predicted", "1 − |cos| over channels, the median by the two-mode closure", SIX_DIGITS),
    ),
)

LAWS = Table(
    "simulations/theory_vs_network.py",
    (
        MODEL,
        METHOD,
        START,
        LAYER,
        Column("measured", "1 − |cos| over channels at a location, median over images of theirs", SIX_DIGITS),
        Column("moments", "the same if only each layer's mean and variance mattered", SIX_DIGITS),
        Column("parents", "by the parents' law: the closure without its slow mode", SIX_DIGITS),
        Column("closure", "by the two-mode closure", SIX_DIGITS),
    ),
)

WORST = Table(
    "simulations/theory_vs_network.py",
    (
        MODEL,
        METHOD,
        LAYER,
        Column("parents", "dispersion of the parents of its units; median over locations", SIX_DIGITS),
        Column("dobrushin", "Dobrushin's coefficient of the same rows; nan: too many units", SIX_DIGITS),
        Column("places", "locations that it was taken over; 0: all units together", WHOLE),
        Column(
            "identity", "share of relevance that a skip takes past the block above; nan: none", SIX_DIGITS
        ),
    ),
)

SHUFFLED = Table(
    "simulations/why_alive.py",
    (
        MODEL,
        METHOD,
        Column("order", "how each layer's weights were dealt anew; trained: as they are; normal: drawn"),
        Column("draw", "its number, from 0", WHOLE),
        START,
        LAYER,
        Column("median", "1 − |cos| over channels at a location, median over images of theirs", SIX_DIGITS),
    ),
)

CONVERGENCE_POOLED = Table(
    "simulations/fig3.py or simulations/fig5.py",
    (
        MODEL,
        METHOD,
        START,
        LAYER,
        Column("median", "|cos| over channels, all images' pairs and locations", SIX_DIGITS),
        Column("p10", "what 10 % of them do not exceed", SIX_DIGITS),
        Column("p90", "what 90 % of them do not exceed", SIX_DIGITS),
        Column("missing", "share of pairs with a vector that is zero, left out", SIX_DIGITS),
        Column("null_mean", "mean |cos| of independent directions in the layer's channels", SIX_DIGITS),
        Column("precision", "of the sweep: float64 also where float32 would overflow"),
    ),
)

SKIPS = Table(
    "simulations/fig5.py",
    (
        MODEL,
        METHOD,
        START,
        Column("block", "a residual block h = f(x) + x: the name of h"),
        Column("below", "the name of x"),
        Column("signed", "share of the relevance at the addition that x itself gets", SIX_DIGITS),
        Column("magnitude", "the same of magnitudes", SIX_DIGITS),
        Column("above", "1 − |cos| at a location of what arrives at the addition", SIX_DIGITS),
        Column("identity", "of what comes to x directly", SIX_DIGITS),
        Column("branch", "of what comes to x through f", SIX_DIGITS),
        Column("measured", "of both together", SIX_DIGITS),
        Column("predicted", "of both together, by the law of skips", SIX_DIGITS),
        Column("unmixed", "the same if all vectors were shared out alike", SIX_DIGITS),
    ),
)

CONE = Table(
    "rankone cone",
    (
        MODEL,
        METHOD,
        Column("image", "its place among the images, from 0", WHOLE),
        LAYER,
        Column("classes", "maps compared, one a class", WHOLE),
        Column("missing", "further classes without relevance there", WHOLE),
        Column("least", "of relevance 1 at a compared class, what arrives at least", SIX_DIGITS),
        Column("most", "what arrives at most", SIX_DIGITS),
        Column("diameter", "Hilbert's projective diameter of the maps' cone", SIX_DIGITS),
        Column("share_change", "by how much a unit's share is larger for one map than another", SIX_DIGITS),
        Column("one_minus_min_cos", "1 − the smallest cosine of two maps", SIX_DIGITS),
        Column("total_variation", "largest share of what arrives that moves elsewhere", SIX_DIGITS),
        Column("stable_rank_excess", "‖C‖_F²/‖C‖₂² − 1 of the maps, columns of C", SIX_DIGITS),
    ),
)

CERTIFIED = Table(
    "rankone certify --model",
    (
        MODEL,
        METHOD,
        Column("image", "its place among the images, from 0", WHOLE),
        START,
        LAYER,
        Column("route", "pairs, shares or envelope: see docs/network_certificates.md"),
        Column("units", "of the layer", WHOLE),
        Column("columns", "starts compared, one a class or a unit", WHOLE),
        Column("silent", "further starts that send nothing there", WHOLE),
        Column("roundings", "K, roundings in any entry of a map", WHOLE),
        Column(
            "least_mass",
            "of relevance 1 at a compared start, what arrives at least; nan: not known",
            ALL_DIGITS,
        ),
        Column("most_mass", "what arrives at most; nan: an envelope knows no amounts", ALL_DIGITS),
        *(
            Column(f"{kind}{name}", f"{meaning}: {how}", ALL_DIGITS)
            for kind, how in (("", "certified, at most"), ("computed_", "float64, without an error bound"))
            for name, meaning in (
                ("share", "by how much a unit's share is larger for one start than another"),
                ("total_variation", "share of what arrives that moves elsewhere"),
                ("one_minus_cos", "1 − the smallest cosine of two maps"),
                ("hilbert_diameter", "Hilbert's projective diameter of the maps' cone"),
            )
        ),
        Column("sampled_one_minus_cos", "the largest of a sample of non-negative starts", ALL_DIGITS),
    ),
)

SANITY = Table(
    "rankone sanity",
    (
        MODEL,
        Column("protocol", "corrected or paper"),
        METHOD,
        Column("note", "what has to be said of the method; empty: nothing"),
        Column("test", "random_logit, or a cascade: top_down, bottom_up, single"),
        Column("stage", "the last layer whose weights were destroyed; another class"),
        Column("depth", "the place of the stage in the order of destruction, from 0", WHOLE),
        Column("score", "how the map is compared with the trained network's of the explained class"),
        Column("images", "images whose maps could be compared", WHOLE),
        Column("float64", "share of maps computed in float64; those of float32 were not finite", SIX_DIGITS),
        Column("undefined", "share of maps that could not: zero, constant, not finite", SIX_DIGITS),
        Column("median", "the score, median over images of the median over draws or classes", SIX_DIGITS),
        Column("low", "lower end of its exact 99 % interval; nan: fewer than 8 images", SIX_DIGITS),
        Column("high", "upper end", SIX_DIGITS),
        Column("spread", "largest minus smallest over draws or classes, median over images", SIX_DIGITS),
        Column("null", "the score of independent maps as smooth, with the same values; median", SIX_DIGITS),
        Column(
            "forward_alone", "the score with other weights in the backward pass alone; median", SIX_DIGITS
        ),
        Column("edges", "the score of the trained network's map with its image's edges; median", SIX_DIGITS),
        Column("another", "the score of two images' maps; median", SIX_DIGITS),
    ),
)

SANITY_PAIRS = Table(
    "rankone sanity",
    (
        MODEL,
        Column("protocol", "corrected or paper"),
        Column("test", "random_logit, or a cascade: top_down, bottom_up, single"),
        Column("stage", "the last layer whose weights were destroyed; another class"),
        Column("score", "the score that is compared"),
        METHOD,
        Column("other", "another method"),
        Column("images", "images that both have a score for", WHOLE),
        Column("difference", "score of the method minus that of the other, median over images", SIX_DIGITS),
        Column("low", "lower end of its exact 99 % interval; nan: fewer than 8 images", SIX_DIGITS),
        Column("high", "upper end", SIX_DIGITS),
    ),
)

FAILED = Table(
    "rankone csc, rankone predict or rankone cone",
    (METHOD, Column("reason", "why it is not among the results")),
)

SKIPPED = Table(
    "any command with --images",
    (Column("file", "of the folder of images"), Column("reason", "why it was left out")),
)

CORRECTIONS = Table(
    "simulations/corrections.py",
    (
        MODEL,
        Column("correction", "a field of the protocol; null: the null is subtracted; all: all of them"),
        Column("test", "random_logit, top_down; csc: |cos| from the output; self_pairs: figure 4's |cos|"),
        Column("stage", "the last layer whose weights were destroyed; where |cos| is read"),
        METHOD,
        Column("images", "images that have both numbers", WHOLE),
        Column("before", "the number under the paper's protocol, median over images", SIX_DIGITS),
        Column("after", "the same with the correction", SIX_DIGITS),
        Column("change", "after minus before, median over images", SIX_DIGITS),
        Column("low", "lower end of its exact 99 % interval; nan: fewer than 8 images", SIX_DIGITS),
        Column("high", "upper end", SIX_DIGITS),
    ),
)
