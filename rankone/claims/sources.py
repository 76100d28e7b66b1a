"""Where the claims were made: the paper in its two versions, and what was written since."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """`name` is short, for tables; `reference` is what one needs to find it."""

    name: str
    reference: str


V1 = Source(
    "v1",
    "Sixt, Granz, Landgraf (2019), When Explanations Lie: Why Modified BP Attribution Fails, "
    "arXiv 1912.09818v1",
)
ICML = Source(
    "ICML", "Sixt, Granz, Landgraf (ICML 2020), When Explanations Lie: Why Many Modified BP Attributions Fail"
)
NIE = Source(
    "Nie 2018",
    "Nie, Zhang, Patel (ICML 2018), A Theoretical Explanation for Perplexing Behaviors of "
    "Backpropagation-based Visualizations, arXiv 1805.07039",
)
RAO = Source("Rao 2022", "Rao, Böhle, Schiele (CVPR 2022), Towards Better Understanding Attribution Methods")
SIXT_2022 = Source(
    "Sixt 2022",
    "Sixt, Landgraf (TMLR 2022), A Rigorous Study Of The Deep Taylor Decomposition, arXiv 2211.08425",
)
BINDER = Source(
    "Binder 2023",
    "Binder, Weber, Lapuschkin, Montavon, Müller, Samek (CVPR 2023), Shortcomings of Top-Down "
    "Randomization-Based Sanity Checks, arXiv 2211.12486",
)
HEDSTROEM = Source(
    "Hedström 2024",
    "Hedström, Weber, Lapuschkin, Höhne (2024), Sanity Checks Revisited: An Exploration to Repair the Model "
    "Parameter Randomisation Test, arXiv 2401.06465",
)
ZHENG = Source(
    "Zheng 2025",
    "Zheng, Sang, Xu (2025), Unifying Perplexing Behaviors in Modified BP Attributions through Alignment "
    "Perspective, arXiv 2503.11160",
)
KRITCHEVSKI = Source(
    "Kritchevski 2025",
    "Kritchevski (2025), Sharp Finite-Time Distortion Bounds for Products of Positive Matrices, "
    "arXiv 2512.10872v2",
)
